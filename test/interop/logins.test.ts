import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runCommand } from "../lab/command.ts";
import { Lab } from "../lab/lab.ts";
import type { OurServer } from "./support/our-server.ts";
import { startTwoClients } from "./support/two-clients.ts";
import type { AccountOptions, VpnClient } from "./support/vpn-client.ts";

let lab: Lab;
let server: OurServer;
let client: VpnClient;
let other: VpnClient;
/** The files of a certificate that signs itself, and of one that an authority signed. */
let own: Certificate;
let signed: Certificate;

interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

before(async () => {
  lab = await Lab.create();
  own = await certificate("carol");
  const authority = await certificate("authority");
  signed = await certificate("dave", authority);
  ({ server, alice: client, bob: other } = await startTwoClients(lab, []));
  const pem = (file: string) => readFile(file, "utf8");
  await server.apply({
    hubs: [
      {
        name: "DEFAULT",
        trustedAuthorities: [await pem(authority.certificateFile)],
        groups: [{ name: "closed", policy: { Access: false } }],
        users: [
          { name: "alice", password: "secret of alice" },
          { name: "guest", anonymous: true },
          { name: "carol", certificate: await pem(own.certificateFile) },
          { name: "dave", signedCertificate: { commonName: "dave" } },
          { name: "locked", password: "x", group: "closed" },
          { name: "former", password: "x", expires: "2020-01-01T00:00:00Z" },
          { name: "single", password: "x", policy: { MultiLogins: 1 } },
        ],
      },
      { name: "OFFLINE", online: false, users: [{ name: "alice", password: "x" }] },
      { name: "SMALL", maxSessions: 1, users: [{ name: "alice", password: "x" }] },
    ],
  });
});
after(() => lab?.dispose());

async function certificate(name: string, authority?: Certificate): Promise<Certificate> {
  const [certificateFile, keyFile] = [join(lab.directory, `${name}.crt`), join(lab.directory, `${name}.key`)];
  const signer = authority && ["-CA", authority.certificateFile, "-CAkey", authority.keyFile];
  await runCommand("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", `/CN=${name}`],
    ...["-keyout", keyFile, "-out", certificateFile, ...(signer ?? [])],
  ]);
  return { certificateFile, keyFile };
}

const login = (more: Partial<AccountOptions>): AccountOptions => ({
  server: server.address,
  user: "alice",
  password: "secret of alice",
  ...more,
});

describe("vpnclient logs in", () => {
  const accepted: [string, () => Partial<AccountOptions>][] = [
    ["with a password", () => ({})],
    ["with the name in another case", () => ({ user: "ALICE" })],
    ["with a plain password", () => ({ plainPassword: true })],
    ["as an anonymous user", () => ({ user: "guest", password: undefined })],
    ["with its own certificate", () => ({ user: "carol", certificate: own })],
    ["with a certificate of the hub's authority", () => ({ user: "dave", certificate: signed })],
  ];
  for (const [how, more] of accepted) {
    test(how, async () => {
      await client.connect(login(more()));
      const { hub, sessions } = await summary("DEFAULT");
      assert.equal(hub, "DEFAULT");
      assert.ok(sessions >= 1);
      await client.disconnect();
    });
  }
});

describe("vpnclient is told why it is refused", () => {
  const refused: [string, number, () => Partial<AccountOptions>][] = [
    ["there is no such hub", 8, () => ({ hub: "NOWHERE" })],
    ["wrong password", 9, () => ({ password: "guess" })],
    ["wrong plain password", 9, () => ({ password: "guess", plainPassword: true })],
    ["unknown user", 9, () => ({ user: "mallory" })],
    ["no proof", 9, () => ({ password: undefined })],
    ["the certificate is another user's", 9, () => ({ user: "carol", certificate: signed })],
    ["the certificate is not of the authority", 9, () => ({ user: "dave", certificate: own })],
    ["the hub is offline", 10, () => ({ hub: "OFFLINE", password: "x" })],
    ["the group's policy gives no access", 12, () => ({ user: "locked", password: "x" })],
    ["the account has expired", 12, () => ({ user: "former", password: "x" })],
    ["no monitoring mode for this user", 107, () => ({ monitorMode: true })],
  ];
  for (const [why, code, more] of refused) {
    test(`${why}: ${code}`, async () => {
      assert.equal(await client.failure(login(more())), code);
    });
  }

  test("the hub is full: 16", async () => {
    await other.connect(login({ hub: "SMALL", password: "x" }));
    assert.equal(await client.failure(login({ hub: "SMALL", password: "x" })), 16);
    await other.disconnect();
  });

  test("the user has all its sessions: 20", async () => {
    await other.connect(login({ user: "single", password: "x" }));
    assert.equal(await client.failure(login({ user: "single", password: "x" })), 20);
    await other.disconnect();
  });
});

describe("what vpncmd sets holds for vpnclient", () => {
  test("no login from a source address: 109", async () => {
    await inHub("AcAdd", "deny", "/PRIORITY:10", `/IP:${other.station.address}/32`);
    assert.equal(await other.failure(login({})), 109);
    await client.connect(login({}));
    await client.disconnect();
    await inHub("AcDel", "1");
    await other.connect(login({}));
    await other.disconnect();
  });

  test("no login with a revoked certificate: 9", async () => {
    const others = ["/SERIAL:", "/MD5:", "/SHA1:", "/O:", "/OU:", "/C:", "/ST:", "/L:"];
    await inHub("CrlAdd", "/CN:dave", ...others);
    assert.equal(await client.failure(login({ user: "dave", certificate: signed })), 9);
    await client.connect(login({ user: "carol", certificate: own }));
    await client.disconnect();
  });
});

/** Runs a command of vpncmd for the hub DEFAULT, on the server's host. */
async function inHub(...command: readonly string[]): Promise<void> {
  const target = ["localhost:5555", "/SERVER", "/PASSWORD:", "/ADMINHUB:DEFAULT"];
  await server.station.run("vpncmd", [...target, "/CMD", ...command], { timeoutMs: 30_000 });
}

async function summary(hub: string): Promise<{ hub: string; sessions: number }> {
  const found = (await server.status()).hubs.find(({ name }) => name === hub);
  assert.ok(found, `${hub} is not there`);
  return { hub: found.name, sessions: found.sessions };
}
