import assert from "node:assert/strict";
import { generateKeyPairSync, KeyObject, webcrypto, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import "reflect-metadata";
import { X509CertificateGenerator } from "@peculiar/x509";
import type { IdentityPem } from "../../../server/identity/identity-check.ts";
import { ServerError } from "../../../server/errors.ts";
import { testCertificate } from "../transport/loopback.ts";
import { certificateOf, pemOf, serverIdentity } from "./make-certificate.ts";
import {
  loadOrCreateCertificate,
  pendingFileOf,
  replaceCertificate,
  type CertificatePaths,
  type ServerCertificate,
} from "../../../server/identity/certificate.ts";

let directory: string;
let paths: CertificatePaths;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "certificate-"));
  paths = { certificateFile: join(directory, "server.crt"), keyFile: join(directory, "server.key") };
});
afterEach(() => rm(directory, { recursive: true }));

/** Puts the pair of a server that has run before where it belongs: to make another each time takes a while. */
async function startedBefore(): Promise<ServerCertificate> {
  const made = await testCertificate();
  await writeFile(paths.certificateFile, made.certificatePem);
  await writeFile(paths.keyFile, made.keyPem, { mode: 0o600 });
  return made;
}

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof ServerError && error.code === "STATE_INVALID" && message.test(error.message);

describe("server certificate", () => {
  test("is made like the official default: RSA-2048, SHA-256, named after the host, to the end of 2037", async () => {
    const { certificatePem, fingerprint } = await loadOrCreateCertificate(paths);
    const certificate = new X509Certificate(certificatePem);
    const host = hostname();
    assert.deepEqual(certificate.subject.split("\n"), [`CN=${host}`, `O=${host}`, `OU=${host}`, "C=US"]);
    assert.equal(certificate.issuer, certificate.subject);
    assert.ok(certificate.verify(certificate.publicKey), "self-signed");
    assert.equal(certificate.validTo, "Dec 31 23:59:59 2037 GMT");
    assert.ok(certificate.validFromDate <= new Date());
    assert.ok(certificate.ca);
    const { type, asymmetricKeyDetails, asymmetricKeyType } = certificate.publicKey;
    assert.deepEqual([type, asymmetricKeyType, asymmetricKeyDetails?.modulusLength], ["public", "rsa", 2048]);
    // sha256WithRSAEncryption, 1.2.840.113549.1.1.11 (RFC 8017, appendix C).
    assert.ok(certificate.raw.includes(Buffer.from("2a864886f70d01010b", "hex")));
    assert.match(fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  test("is written with a key for the owner alone, and nothing else is left", async () => {
    const old = process.umask(0);
    try {
      await loadOrCreateCertificate(paths);
    } finally {
      process.umask(old);
    }
    assert.equal((await stat(paths.keyFile)).mode & 0o777, 0o600);
    assert.equal((await stat(paths.certificateFile)).mode & 0o777, 0o644);
    assert.deepEqual((await readdir(directory)).sort(), ["server.crt", "server.key"]);
  });

  test("is not made anew when it is there", async () => {
    const first = await loadOrCreateCertificate(paths);
    assert.deepEqual(await loadOrCreateCertificate(paths), first);
  });

  test("takes a pair of another kind that an administrator put there", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.createSelfSigned(
      { name: "CN=vpn.example.org", signingAlgorithm: algorithm, keys },
      webcrypto,
    );
    const keyPem = KeyObject.from(keys.privateKey).export({ format: "pem", type: "pkcs8" });
    await writeFile(paths.certificateFile, certificate.toString("pem"));
    await writeFile(paths.keyFile, keyPem, { mode: 0o400 });
    const loaded = await loadOrCreateCertificate(paths);
    assert.equal(loaded.keyPem, keyPem);
    assert.equal(loaded.fingerprint, new X509Certificate(certificate.toString("pem")).fingerprint256);
  });

  test("is made for the key that a crash left without one", async () => {
    const first = await startedBefore();
    await rm(paths.certificateFile);
    const second = await loadOrCreateCertificate(paths);
    assert.equal(second.keyPem, first.keyPem);
    assert.notEqual(second.fingerprint, first.fingerprint);
  });

  test("is refused when its key is missing", async () => {
    await startedBefore();
    await rm(paths.keyFile);
    const before = await readFile(paths.certificateFile, "utf8");
    await assert.rejects(
      loadOrCreateCertificate(paths),
      refused(/private key .*server\.key .* is missing: put it back/),
    );
    assert.equal(await readFile(paths.certificateFile, "utf8"), before);
    assert.deepEqual(await readdir(directory), ["server.crt"]);
  });

  test("is refused with the key of another, and both stay as they are", async () => {
    await startedBefore();
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const other = privateKey.export({ format: "pem", type: "pkcs8" });
    await writeFile(paths.keyFile, other);
    await assert.rejects(loadOrCreateCertificate(paths), refused(/do not belong together/));
    assert.equal(await readFile(paths.keyFile, "utf8"), other);
  });

  for (const file of ["certificateFile", "keyFile"] as const) {
    for (const content of ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
      test(`is refused when the ${file} holds ${JSON.stringify(content.slice(0, 16))}, which stays as it is`, async () => {
        await startedBefore();
        await writeFile(paths[file], content);
        await assert.rejects(
          loadOrCreateCertificate(paths),
          refused(new RegExp(`${paths[file]} is damaged`)),
        );
        assert.equal(await readFile(paths[file], "utf8"), content);
      });
    }
  }

  test("says which file cannot be written", async () => {
    const missing = { ...paths, keyFile: join(directory, "missing", "server.key") };
    await assert.rejects(
      loadOrCreateCertificate(missing),
      refused(/cannot write .*missing\/server\.key: ENOENT/),
    );
  });
});

describe("a certificate that takes the place of the server's", () => {
  let own: IdentityPem;
  let fingerprint: string;
  before(async () => {
    const authority = await certificateOf("CN=authority");
    own = await pemOf(await certificateOf("CN=own", { issuer: authority }), authority);
    fingerprint = new X509Certificate(own.certificatePem).fingerprint256;
  });

  test("is on the disk with its chain, in files as before", async () => {
    await startedBefore();
    const replaced = await replaceCertificate(paths, own);
    assert.equal(replaced.fingerprint, fingerprint);
    assert.deepEqual(await loadOrCreateCertificate(paths), replaced);
    assert.equal((await readFile(paths.certificateFile, "utf8")).match(/BEGIN/g)?.length, 2);
    assert.equal((await stat(paths.keyFile)).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(directory)).sort(), ["server.crt", "server.key"]);
  });

  test("holds as a whole wherever a crash comes between its files", async () => {
    const former = await startedBefore();
    const { certificatePem, keyPem } = await replaceCertificate(paths, own);
    const pair = certificatePem + keyPem;
    // What is on the disk after each of the steps: pair, certificate, key; and the end.
    const [old, replaced] = [former, { certificatePem, keyPem }];
    for (const [pending, certificate, key] of [
      [pair, old.certificatePem, old.keyPem],
      [pair, replaced.certificatePem, old.keyPem],
      [pair, replaced.certificatePem, replaced.keyPem],
      [undefined, replaced.certificatePem, replaced.keyPem],
    ]) {
      if (pending !== undefined) await writeFile(pendingFileOf(paths), pending, { mode: 0o600 });
      await writeFile(paths.certificateFile, certificate ?? "");
      await writeFile(paths.keyFile, key ?? "");
      const loaded = await loadOrCreateCertificate(paths);
      assert.deepEqual([loaded.fingerprint, loaded.keyPem], [fingerprint, keyPem]);
      assert.deepEqual((await readdir(directory)).sort(), ["server.crt", "server.key"]);
    }
  });

  test("has its key in no file that others can read, at no time", async () => {
    // A folder in the place of the certificate keeps the pair from getting further.
    await mkdir(join(paths.certificateFile, "full"), { recursive: true });
    await replaceCertificate(paths, own);
    assert.equal((await stat(pendingFileOf(paths))).mode & 0o777, 0o600);
    await rm(paths.certificateFile, { recursive: true });
    assert.equal((await loadOrCreateCertificate(paths)).fingerprint, fingerprint);
  });

  test("is refused where it could not serve, and the former one stays", async () => {
    const former = await startedBefore();
    const { keyPem } = await serverIdentity("CN=other");
    await assert.rejects(replaceCertificate(paths, { ...own, keyPem }), {
      code: "USAGE",
      message: "the private key is not the key of the certificate",
    });
    const { certificateFile } = { certificateFile: join(directory, "missing", "server.crt") };
    await assert.rejects(replaceCertificate({ ...paths, certificateFile }, own), { code: "STATE_INVALID" });
    assert.deepEqual(await loadOrCreateCertificate(paths), former);
  });

  test("is told at the start when TLS does not take it", async () => {
    const short = await serverIdentity("CN=short", { bits: 1024 });
    await writeFile(paths.certificateFile, short.certificatePem);
    await writeFile(paths.keyFile, short.keyPem);
    await assert.rejects(
      loadOrCreateCertificate(paths),
      refused(/TLS cannot serve with .*key too small.*put another pair/),
    );
  });
});
