import assert from "node:assert/strict";
import { describe, test } from "node:test";
import ssh2 from "ssh2";
import { parseHostKey } from "../../../../components/arguments/host-key.ts";
import { parsePrivateKey } from "../../../../components/arguments/ssh-private-key.ts";
import { makeSshPrivateKey, sshPublicKeyOf } from "../../../../components/aws/ssh-key-pair.ts";

describe("an SSH key pair that is made", () => {
  test("can be used by whoever reads it, each of many", () => {
    for (let round = 0; round < 300; round++) {
      const privateKey = makeSshPrivateKey();
      // Signs with it, and verifies the signature.
      assert.equal(parsePrivateKey("connection", privateKey, undefined).privateKey, privateKey);
      const parsed = ssh2.utils.parseKey(privateKey);
      assert.ok(!(parsed instanceof Error));
      const publicKey = `ssh-ed25519 ${parsed.getPublicSSH().toString("base64")}`;
      assert.equal(sshPublicKeyOf(privateKey), publicKey);
      assert.equal(parseHostKey(publicKey, "hostKey").type, "ssh-ed25519");
    }
  });

  test("is another one each time", () => {
    assert.notEqual(sshPublicKeyOf(makeSshPrivateKey()), sshPublicKeyOf(makeSshPrivateKey()));
  });
});
