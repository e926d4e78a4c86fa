import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { firstBootScript } from "../../../../components/aws/first-boot-script.ts";
import { makeSshPrivateKey, sshPublicKeyOf } from "../../../../components/aws/ssh-key-pair.ts";
import { userData } from "../../../../components/aws/user-data.ts";

describe("the user data of an instance", () => {
  test("is the host key, and nothing else that is secret", () => {
    assert.equal(
      userData({ privateKey: "-----BEGIN\nAAAA\n-----END\n", publicKey: "ssh-ed25519 AAAA" }),
      `#cloud-config
# None that came with the image stays, and no other is made.
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
    -----BEGIN
    AAAA
    -----END
  ed25519_public: ssh-ed25519 AAAA
ssh_pwauth: false
`,
    );
  });

  test("is far from the 16 KiB that EC2 takes", () => {
    const privateKey = makeSshPrivateKey();
    assert.ok(userData({ privateKey, publicKey: sshPublicKeyOf(privateKey) }).length < 1024);
  });
});

describe("the script of the first boot", () => {
  const script = firstBootScript({
    volumeId: "vol-0a1b2c",
    volumeGiB: 8,
    stateDirectory: "/var/lib/vpnserver",
  });

  test("is one that a POSIX shell takes, and so are the programs in it", () => {
    const [, program = ""] = /<<'END_OF_PROGRAM'\n([\s\S]*?)END_OF_PROGRAM/.exec(script) ?? [];
    assert.match(program, /^#!\/bin\/sh\n/);
    for (const text of [script, program]) {
      assert.equal(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr, "");
    }
  });

  test("looks for the volume by its id, as NVMe tells it", () => {
    assert.match(script, /nvme-Amazon_Elastic_Block_Store_vol0a1b2c /);
  });

  test("has the server wait for its state, and not start without it", () => {
    assert.match(script, /^Before=vpnserver\.service$/m);
    assert.match(script, /^RequiredBy=vpnserver\.service$/m);
  });
});
