import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { connect, type DetailedPeerCertificate } from "node:tls";
import type { IdentityPem } from "../../../server/identity/identity-check.ts";
import { protocolErrors } from "../../../server/wire/protocol-error.ts";
import { certificateOf, pemOf, serverIdentity } from "./make-certificate.ts";
import type { Identity } from "../access/client-certificate.ts";
import { startServerIn, type ServerInTest } from "../worker/running-server.ts";

let root: Identity;
let intermediate: Identity;
let leaf: Identity;
let own: IdentityPem;
let keyDer: Buffer;
before(async () => {
  root = await certificateOf("CN=root", { ca: true });
  intermediate = await certificateOf("CN=intermediate", { issuer: root, serial: "02", ca: true });
  leaf = await certificateOf("CN=vpn.example.org", { issuer: intermediate, serial: "03", algorithm: "rsa" });
  own = await pemOf(leaf, intermediate);
  keyDer = createPrivateKey(own.keyPem).export({ format: "der", type: "pkcs1" });
});

let directory: string;
let server: ServerInTest;
let port: number;
/** One connection, which stays open. */
let agent: Agent;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-certificate-"));
  server = await startServerIn(directory, (all) => ({ ...all, listeners: [{ port: 0, enabled: true }] }));
  port = server.listeners()[0]?.port ?? 0;
  agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
});
afterEach(async () => {
  agent.destroy();
  await server.close();
  await rm(directory, { recursive: true });
});

/** What a new TLS connection is shown, from the leaf on, by common name. */
async function shown(): Promise<string[]> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  const names: string[] = [];
  let each: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (each !== undefined && !names.includes(each.subject.CN as string)) {
    names.push(each.subject.CN as string);
    each = each.issuerCertificate;
  }
  socket.destroy();
  return names;
}

/** Whether a client that knows the root alone takes the server for what it says to be. */
async function isTrusted(): Promise<boolean> {
  const ca = root.x509.toString("pem");
  const socket = connect({
    host: "127.0.0.1",
    port,
    ca,
    servername: "vpn.example.org",
    checkServerIdentity: () => undefined,
  });
  const trusted = await new Promise<boolean>((resolve) =>
    socket.once("secureConnect", () => resolve(true)).once("error", () => resolve(false)),
  );
  socket.destroy();
  return trusted;
}

/** Calls the administration on the one connection; the local port tells that it is still the same. */
async function call(method: string, params: object) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: "1", method, params });
  return new Promise<{
    result?: Record<string, unknown>;
    error?: { code: number; message: string };
    localPort: number;
  }>((resolve, reject) => {
    const asked = request(
      {
        agent,
        host: "127.0.0.1",
        port,
        path: "/api/",
        method: "POST",
        headers: { "X-VPNADMIN-PASSWORD": "" },
      },
      (response) => {
        const localPort = response.socket.localPort ?? 0;
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ ...(JSON.parse(Buffer.concat(chunks).toString()) as object), localPort }),
        );
      },
    );
    asked.once("error", reject).end(body);
  });
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const setCert = (certificate: Uint8Array, key: Uint8Array, chain: readonly Uint8Array[] = []) =>
  call("SetServerCert", {
    Cert_bin: base64(certificate),
    Key_bin: base64(key),
    ...(chain.length > 0 && { Chain_bin: chain.map(base64) }),
  });

describe("the certificate of a running server", () => {
  test("is served with its whole chain, and connections that are open go on", async () => {
    const first = await call("GetServerCert", {});
    const former = await shown();
    await server.identity.replace(own);
    assert.deepEqual(await shown(), ["vpn.example.org", "intermediate"]);
    assert.ok(await isTrusted());
    assert.notDeepEqual(await shown(), former);
    const second = await call("GetServerCert", {});
    assert.equal(second.localPort, first.localPort);
    assert.equal(second.result?.Cert_bin, base64(leaf.certificate));
    assert.equal(server.identity.current.fingerprint, new X509Certificate(leaf.certificate).fingerprint256);
  });

  test("is taken from SetServerCert, with the chain or what is known of it", async () => {
    const { result } = await setCert(leaf.certificate, keyDer, [intermediate.certificate]);
    assert.equal(result?.Flag1_u32, 1);
    assert.ok(await isTrusted());
    // Again, or renewed, without the chain: the one that is there goes with it.
    assert.equal((await setCert(leaf.certificate, keyDer)).result?.Flag1_u32, 1);
    assert.deepEqual(await shown(), ["vpn.example.org", "intermediate"]);
  });

  test("is taken as PEM too, with the chain behind it", async () => {
    const { result } = await setCert(Buffer.from(own.certificatePem), Buffer.from(own.keyPem));
    assert.equal(result?.Flag1_u32, 1);
    assert.ok(await isTrusted());
  });

  test("comes with the chain in the folder chain_certs, where the official server has it", async () => {
    const alone = await setCert(leaf.certificate, keyDer);
    assert.equal(alone.result?.Flag1_u32, 0);
    assert.deepEqual(await shown(), ["vpn.example.org"]);
    const folder = join(directory, "chain_certs");
    await mkdir(folder);
    await writeFile(join(folder, "chain_certs.txt"), "put certificates here");
    await writeFile(join(folder, "intermediate.cer"), intermediate.x509.toString("pem"));
    await writeFile(join(folder, "root.cer"), root.certificate);
    assert.equal((await setCert(leaf.certificate, keyDer)).result?.Flag1_u32, 1);
    assert.deepEqual(await shown(), ["vpn.example.org", "intermediate"]);
  });

  test("may have a key of an elliptic curve", async () => {
    const ec = await serverIdentity("CN=ec", { algorithm: "ec" });
    const der = createPrivateKey(ec.keyPem).export({ format: "der", type: "sec1" });
    assert.equal((await setCert(new X509Certificate(ec.certificatePem).raw, der)).error, undefined);
    assert.deepEqual(await shown(), ["ec"]);
    const { result } = await call("GetServerCert", {});
    assert.equal(result?.Key_bin, base64(der));
  });

  test("stays as it was when another cannot serve, with an error of SoftEther's", async () => {
    const former = await shown();
    const disk = () =>
      Promise.all(["server.crt", "server.key"].map((name) => readFile(join(directory, name), "utf8")));
    const before = await disk();
    const key = createPrivateKey(own.keyPem);
    const der = (type: "rsa" | "dsa" | "ed25519") => {
      const { privateKey } =
        type === "rsa"
          ? generateKeyPairSync("rsa", { modulusLength: 1024 })
          : type === "dsa"
            ? generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 })
            : generateKeyPairSync("ed25519");
      return privateKey.export({ format: "der", type: "pkcs8" });
    };
    const encrypted = { type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" } as const;
    const short = await serverIdentity("CN=short", { bits: 1024 });
    const shortDer = createPrivateKey(short.keyPem).export({ format: "der", type: "pkcs1" });
    const { protocol, invalidParameter, certificateNotRsa } = protocolErrors;
    const cases: [string, number, Uint8Array, Uint8Array, Uint8Array[]?][] = [
      ["nothing", protocol, new Uint8Array(), new Uint8Array()],
      ["no key", protocol, leaf.certificate, new Uint8Array()],
      ["no certificate", protocol, new Uint8Array(), keyDer],
      ["garbage", protocol, Buffer.from("garbage"), Buffer.from("garbage")],
      ["a cut certificate", protocol, leaf.certificate.subarray(0, 300), keyDer],
      ["a key in the place of the certificate", protocol, keyDer, keyDer],
      ["the key of another", protocol, intermediate.certificate, keyDer],
      ["another's, which is DSA", protocol, leaf.certificate, der("dsa")],
      ["another's, which is Ed25519", protocol, leaf.certificate, der("ed25519")],
      ["a short RSA key", certificateNotRsa, new X509Certificate(short.certificatePem).raw, shortDer],
      ["an encrypted key", protocol, leaf.certificate, key.export({ ...encrypted, format: "der" })],
      [
        "an encrypted key in PEM",
        protocol,
        leaf.certificate,
        Buffer.from(key.export({ ...encrypted, format: "pem" })),
      ],
      ["much", protocol, Buffer.alloc(1024 * 1024, 0x30), Buffer.alloc(1024 * 1024, 0x30)],
      ["much in PEM", protocol, Buffer.from(own.certificatePem.repeat(200)), keyDer],
      ["a chain in the wrong order", invalidParameter, intermediate.certificate, keyDer, [leaf.certificate]],
      ["a chain with a gap", invalidParameter, leaf.certificate, keyDer, [root.certificate]],
      ["a chain with garbage", protocol, leaf.certificate, keyDer, [Buffer.from("garbage")]],
    ];
    for (const [what, code, certificate, sentKey, chain] of cases) {
      const { error } = await setCert(certificate, sentKey, chain);
      assert.equal(error?.code, code, what);
      assert.doesNotMatch(error.message, /\n|node:|\.ts| {4}at |PRIVATE KEY-----\n/, what);
    }
    assert.deepEqual(await shown(), former);
    assert.deepEqual(await disk(), before);
  });
});
