import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { vpnFile, type VpnAccount } from "../../../components/outputs/vpn-file.ts";
import type { ConfigFolder } from "../../../server/config/text/config-node.ts";
import { parseConfig } from "../../../server/config/text/config-text.ts";
import { pemIdentity, type PemIdentity } from "./pem-identity.ts";

let server: PemIdentity;
let carol: PemIdentity;
before(async () => {
  [server, carol] = await Promise.all([
    pemIdentity("CN=server", { algorithm: "ec" }),
    pemIdentity("CN=carol"),
  ]);
});

function account(more: Partial<VpnAccount> = {}): VpnAccount {
  return {
    name: "alice@192.0.2.1/DEFAULT",
    host: "192.0.2.1",
    port: 5555,
    hub: "DEFAULT",
    user: "alice",
    proof: { type: "anonymous" },
    serverCertificate: server.certificate,
    ...more,
  };
}

/** Values of a folder's items, by name. */
function read(text: string, ...path: string[]): Record<string, string> {
  let folder: ConfigFolder = parseConfig(Buffer.from(text)).root;
  for (const name of path) {
    const inner = folder.children.find((child) => child.kind === "folder" && child.name === name);
    assert.ok(inner?.kind === "folder", `there is no folder ${name}`);
    folder = inner;
  }
  return Object.fromEntries(
    folder.children.flatMap((child) => (child.kind === "item" ? [[child.name, child.value]] : [])),
  );
}

describe("a .vpn file", () => {
  test("takes no server but the one whose certificate it holds", () => {
    const { CheckServerCert, RetryOnServerCert, ServerCert } = read(vpnFile(account()));
    assert.equal(CheckServerCert, "true");
    assert.equal(RetryOnServerCert, "false");
    assert.equal(ServerCert, server.certificateDer.toString("base64"));
  });

  test("tells server, port, hub, the account's name and the network card", () => {
    const option = read(vpnFile(account()), "ClientOption");
    assert.equal(option["Hostname"], "192.0.2.1");
    assert.equal(option["Port"], "5555");
    assert.equal(option["HubName"], "DEFAULT");
    assert.equal(option["AccountName"], "alice@192.0.2.1/DEFAULT");
    assert.equal(option["DeviceName"], "VPN");
    assert.equal(option["UseEncrypt"], "true");
  });

  test("of a password holds the hash that vpncmd 5.01.9674 AccountExport writes", () => {
    const text = vpnFile(account({ proof: { type: "password", password: "secret of alice" } }));
    const { AuthType, HashedPassword, Username } = read(text, "ClientAuth");
    assert.deepEqual([AuthType, HashedPassword, Username], ["1", "okg0lCSBfMJxz296yMN1cisvzUg=", "alice"]);
    assert.doesNotMatch(text, /secret of alice/);
  });

  test("of a certificate user holds certificate and key in DER", () => {
    const { certificate, privateKey } = carol;
    const auth = read(
      vpnFile(account({ user: "carol", proof: { type: "certificate", certificate, privateKey } })),
      "ClientAuth",
    );
    assert.equal(auth["AuthType"], "3");
    assert.equal(auth["ClientCert"], carol.certificateDer.toString("base64"));
    // PKCS #1: SEQUENCE, version 0, then the modulus.
    assert.match(Buffer.from(auth["ClientKey"] ?? "", "base64").toString("hex"), /^30(82....|81..)02010002/);
  });

  test("of an anonymous user holds the name alone", () => {
    assert.deepEqual(read(vpnFile(account()), "ClientAuth"), { AuthType: "0", Username: "alice" });
  });

  test("holds every name as it is, whatever its characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary-ascii" }), (name, user) => {
        const text = vpnFile(account({ name, user }));
        assert.equal(read(text, "ClientOption")["AccountName"], name);
        assert.equal(read(text, "ClientAuth")["Username"], user);
      }),
      { numRuns: 100 },
    );
  });
});
