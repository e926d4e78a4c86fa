import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { proofOf } from "../../../server/protocols/softether/login-proof.ts";
import { authenticate } from "../../../server/access/authenticate.ts";
import type { Authentication } from "../../../server/settings/hub-settings.ts";
import {
  subjectParts,
  type RevokedCertificate,
  type SubjectPart,
} from "../../../server/settings/revoked-certificate.ts";
import { identity, type Identity } from "./client-certificate.ts";
import { hubOf, now, random, userOf } from "./login-fixture.ts";

const noSubject = Object.fromEntries(subjectParts.map((part) => [part, ""])) as Record<SubjectPart, string>;
const anyCertificate: RevokedCertificate = {
  subject: noSubject,
  serial: new Uint8Array(),
  md5: new Uint8Array(),
  sha1: new Uint8Array(),
};

/** Name of the user, or why the client is refused. */
async function login(
  authentication: Authentication,
  sent: { certificate: Uint8Array; signature: Uint8Array } | Identity,
  {
    authorities = [],
    revoked = [],
    at = now,
  }: {
    authorities?: readonly Uint8Array[];
    revoked?: readonly Partial<RevokedCertificate>[];
    at?: number;
  } = {},
): Promise<string> {
  const signature = "signature" in sent ? sent.signature : await sent.sign(random);
  const result = authenticate(
    hubOf({
      users: [userOf("alice", { authentication })],
      trustedAuthorities: authorities,
      revokedCertificates: revoked.map((each) => ({ ...anyCertificate, ...each })),
    }),
    {
      userName: "alice",
      proof: proofOf({ type: "certificate", certificate: sent.certificate, signature }, random),
    },
    { now: at, loopback: false },
  );
  if (result.type === "refused") {
    assert.equal(result.error, "authenticationFailed");
    return result.reason;
  }
  assert.ok(result.user !== "administrator");
  return result.user.name;
}

const exactly = ({ certificate }: Identity): Authentication => ({ type: "certificate", certificate });
const signed = (commonName = "", serial: Uint8Array = new Uint8Array()): Authentication => ({
  type: "signed-certificate",
  commonName,
  serial,
});

const unproven = "the client did not prove that it has the RSA key of its certificate";
const outdated = "the client's certificate has expired or is not valid yet";
const untrusted = "no trusted authority of the hub signed the certificate";

let alice: Identity;
let other: Identity;
let authority: Identity;
let member: Identity;

before(async () => {
  alice = await identity({ bits: 2048 });
  other = await identity();
  authority = await identity({ name: "CN=Authority" });
  member = await identity({ name: "CN=Alice Smith, O=Example", serial: "0a0b", issuer: authority });
});

describe("login by certificate", () => {
  test("lets in who has the key of the user's certificate", async () => {
    assert.equal(await login(exactly(alice), alice), "alice");
  });

  test("refuses another certificate, with its own key", async () => {
    assert.equal(await login(exactly(alice), other), "the certificate is not the user's");
  });

  test("refuses the user's certificate without its key", async () => {
    const { certificate } = alice;
    const signature = await alice.sign(random);
    const wrong = [
      await other.sign(random),
      await alice.sign(Uint8Array.from(random).reverse()),
      new Uint8Array(),
      signature.slice(1),
      Uint8Array.from([...signature, 0]),
      new Uint8Array(256),
      new Uint8Array(65_536),
    ];
    for (const each of wrong) {
      assert.equal(await login(exactly(alice), { certificate, signature: each }), unproven);
    }
  });

  test("refuses a signature with a key that is not RSA", async () => {
    const ec = await identity({ algorithm: "ec" });
    const sent = { certificate: ec.certificate, signature: new Uint8Array(64) };
    assert.equal(await login(exactly(ec), sent), unproven);
  });

  test("holds while the certificate does, to the second", async () => {
    const [from, to] = [Date.parse("2026-01-01T00:00:00Z"), Date.parse("2027-01-01T00:00:00Z")];
    assert.equal(await login(exactly(alice), alice, { at: from }), "alice");
    assert.equal(await login(exactly(alice), alice, { at: to }), "alice");
    assert.equal(await login(exactly(alice), alice, { at: from - 1 }), outdated);
    assert.equal(await login(exactly(alice), alice, { at: to + 1 }), outdated);
  });

  test("refuses what is no certificate, whatever it is", async () => {
    const { certificate } = alice;
    const signature = await alice.sign(random);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(certificate.length - 1).map((length) => certificate.slice(0, length)),
      fc.tuple(fc.nat(certificate.length - 1), fc.integer({ min: 1, max: 255 })).map(([index, change]) => {
        const changed = Uint8Array.from(certificate);
        changed[index] = (changed[index] ?? 0) ^ change;
        return changed;
      }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        assert.notEqual(await login(exactly(alice), { certificate: sent, signature }), "alice");
      }),
      { numRuns: 200 },
    );
  });

  test("refuses a user that logs in otherwise", async () => {
    const authentication = userOf("alice").authentication;
    assert.equal(await login(authentication, alice), "the user does not log in by certificate");
  });
});

describe("login by a certificate of an authority", () => {
  const trusting = (...authorities: Identity[]) => ({
    authorities: authorities.map(({ certificate }) => certificate),
  });

  test("lets in whom a trusted authority of the hub signed for", async () => {
    assert.equal(await login(signed(), member, trusting(authority)), "alice");
    assert.equal(await login(signed(), member, trusting(other, authority)), "alice");
  });

  test("lets in who has the very certificate that is trusted", async () => {
    assert.equal(await login(signed(), alice, trusting(alice)), "alice");
  });

  test("refuses whom nobody that is trusted signed for", async () => {
    assert.equal(await login(signed(), member), untrusted);
    assert.equal(await login(signed(), member, trusting(other)), untrusted);
    assert.equal(await login(signed(), alice, trusting(authority)), untrusted);
    assert.equal(await login(signed(), member, { authorities: [new Uint8Array([1, 2, 3])] }), untrusted);
  });

  test("refuses whom another of the authority's name signed for", async () => {
    const forged = await identity({ name: "CN=Authority" });
    assert.equal(await login(signed(), member, trusting(forged)), untrusted);
  });

  test("looks at certificates and authorities whose names have no part as at others", async () => {
    const nameless = await identity({ name: "" });
    const revoked = [{ subject: { ...noSubject, CommonName: "alice" } }];
    const lists = { ...trusting(nameless, authority), revoked };
    assert.equal(await login(signed(), nameless, lists), "alice");
    assert.equal(await login(signed(), nameless, trusting(authority)), untrusted);
    assert.equal(await login(signed(), member, lists), "alice");
    assert.match(await login(signed("alice"), nameless, lists), /common name/);
  });

  test("refuses an authority whose own time is over", async () => {
    const old = await identity({ name: "CN=Old", notAfter: new Date("2026-05-01T00:00:00Z") });
    const late = await identity({ issuer: old });
    assert.equal(await login(signed(), late, trusting(old)), untrusted);
  });

  test("compares the common name without regard to case, and the first of several", async () => {
    const trust = trusting(authority);
    assert.equal(await login(signed("alice SMITH"), member, trust), "alice");
    assert.equal(await login(signed("Alice"), member, trust), `the certificate's common name is not "Alice"`);
    const two = await identity({ name: "CN=first, CN=second", issuer: authority });
    assert.equal(await login(signed("first"), two, trust), "alice");
    assert.match(await login(signed("second"), two, trust), /common name/);
    const none = await identity({ name: "O=Example", issuer: authority });
    assert.match(await login(signed("undefined"), none, trust), /common name/);
  });

  test("takes no name from another part of the subject", async () => {
    const tricky = await identity({ name: "O=x\\0ACN=alice smith", issuer: authority });
    assert.match(await login(signed("alice smith"), tricky, trusting(authority)), /common name/);
  });

  test("compares the serial number, whatever zeros stand before it", async () => {
    const trust = trusting(authority);
    assert.equal(await login(signed("", Uint8Array.from([0x0a, 0x0b])), member, trust), "alice");
    assert.equal(await login(signed("", Uint8Array.from([0, 0, 0x0a, 0x0b])), member, trust), "alice");
    const wrong = "the certificate's serial number is not the user's";
    assert.equal(await login(signed("", Uint8Array.from([0x0a])), member, trust), wrong);
    assert.equal(await login(signed("", Uint8Array.from([0x0a, 0x0b, 0])), member, trust), wrong);
    assert.match(await login(signed("Bob", Uint8Array.from([0x0a, 0x0b])), member, trust), /common name/);
  });

  test("refuses an authority's signature without the client's own key", async () => {
    const sent = { certificate: member.certificate, signature: await other.sign(random) };
    assert.equal(await login(signed(), sent, trusting(authority)), unproven);
  });
});

describe("long lists of a hub", () => {
  /** Milliseconds of processor time that the second login takes, which finds everything read that is read once. */
  async function costOf(lists: Parameters<typeof login>[2]): Promise<number> {
    const signature = await member.sign(random);
    const sent = { certificate: member.certificate, signature };
    const hub = hubOf({
      users: [userOf("alice", { authentication: signed() })],
      trustedAuthorities: lists?.authorities ?? [],
      revokedCertificates: (lists?.revoked ?? []).map((each) => ({ ...anyCertificate, ...each })),
    });
    const enter = () =>
      authenticate(
        hub,
        { userName: "alice", proof: proofOf({ type: "certificate", ...sent }, random) },
        { now, loopback: false },
      );
    enter();
    const before = process.cpuUsage();
    enter();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  test("of revoked certificates cost a login some milliseconds", async () => {
    const subject = Object.fromEntries(subjectParts.map((part) => [part, "Alice Smith"])) as typeof noSubject;
    const entry = (index: number) => ({
      subject: { ...subject, Local: `place ${index}` },
      serial: Uint8Array.of(0x0a, 0x0b),
      md5: new Uint8Array(createHash("md5").update(member.certificate).digest()),
    });
    const cost = await costOf({
      authorities: [authority.certificate],
      revoked: Array.from({ length: 4096 }, (_, index) => entry(index)),
    });
    assert.ok(cost < 50, `${cost} ms`);
  });

  test("of authorities cost a login some milliseconds, whoever they are and even if all have one name", async () => {
    const forged = await identity({ name: "CN=Authority", bits: 2048 });
    const authorities = Array.from({ length: 4096 }, (_, index) => {
      const der = Uint8Array.from(forged.certificate);
      // In the signature, which nobody looks at: a root is trusted by itself.
      der[der.length - 1] = index & 0xff;
      der[der.length - 2] = index >> 8;
      return der;
    });
    const cost = await costOf({ authorities });
    assert.ok(cost < 50, `${cost} ms`);
  });

  test("have an authority found among others, and among 16 of its name", async () => {
    const others = Array.from({ length: 15 }, (_, index) => {
      const der = Uint8Array.from(other.certificate);
      der[der.length - 1] = index;
      return der;
    });
    const forged = await identity({ name: "CN=authority" });
    const sameName = Array.from({ length: 16 }, (_, index) => {
      const der = Uint8Array.from(forged.certificate);
      der[der.length - 1] = index;
      return der;
    });
    const { certificate } = authority;
    assert.equal(await login(signed(), member, { authorities: [...others, certificate] }), "alice");
    assert.equal(
      await login(signed(), member, { authorities: [...sameName.slice(1), certificate] }),
      "alice",
    );
    assert.equal(await login(signed(), member, { authorities: [...sameName, certificate] }), untrusted);
  });
});

describe("a revoked certificate", () => {
  const refusal = "the client's certificate is revoked";
  const outcome = (...revoked: Partial<RevokedCertificate>[]) =>
    login(signed(), member, { authorities: [authority.certificate], revoked });
  const digest = (algorithm: string) =>
    new Uint8Array(createHash(algorithm).update(member.certificate).digest());

  test("is known by its subject, in whatever case", async () => {
    assert.equal(await outcome({ subject: { ...noSubject, CommonName: "ALICE SMITH" } }), refusal);
    assert.equal(
      await outcome({ subject: { ...noSubject, CommonName: "Alice Smith", Organization: "example" } }),
      refusal,
    );
    assert.equal(
      await outcome({ subject: { ...noSubject, CommonName: "Alice Smith", Organization: "Other" } }),
      "alice",
    );
    assert.equal(await outcome({ subject: { ...noSubject, CommonName: "Alice" } }), "alice");
    assert.equal(await outcome({ subject: { ...noSubject, Unit: "Sales" } }), "alice");
  });

  test("is known by its serial number and its digests", async () => {
    assert.equal(await outcome({ serial: Uint8Array.of(0, 10, 11) }), refusal);
    assert.equal(await outcome({ serial: Uint8Array.of(10) }), "alice");
    assert.equal(await outcome({ md5: digest("md5") }), refusal);
    assert.equal(await outcome({ sha1: digest("sha1") }), refusal);
    assert.equal(await outcome({ sha1: digest("sha1"), serial: Uint8Array.of(1) }), "alice");
    assert.equal(await outcome({ md5: new Uint8Array(16) }), "alice");
  });

  test("is refused also where it is the user's own", async () => {
    const revoked = [{ subject: { ...noSubject, CommonName: "alice" } }];
    assert.equal(await login(exactly(alice), alice, { revoked }), refusal);
    assert.equal(await login(exactly(alice), alice), "alice");
  });

  test("is any one of a list that fits", async () => {
    assert.equal(await outcome({ serial: Uint8Array.of(1) }, { serial: Uint8Array.of(10, 11) }), refusal);
    assert.equal(await outcome({}), refusal);
  });
});
