import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { parseDesiredState } from "../../../server/desired/desired-state.ts";
import { ServerError } from "../../../server/errors.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { identity } from "../access/client-certificate.ts";
import { serverIdentity } from "../identity/make-certificate.ts";

let pem: string;
let der: Uint8Array;
before(async () => {
  ({ certificate: der } = await identity());
  pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
});

const hub = (members: object) => ({ hubs: [{ name: "DEFAULT", ...members }] });
const user = (members: object) => hub({ users: [{ name: "alice", ...members }] });
const rule = (members: object) => hub({ accessList: [{ action: "pass", ...members }] });
const parseUser = (members: object) => parseDesiredState(user(members)).hubs[0]?.users[0];
const parseRule = (members: object) => parseDesiredState(rule(members)).hubs[0]?.accessList?.[0];

function problemsOf(value: unknown): string[] {
  try {
    parseDesiredState(value);
  } catch (error) {
    assert.ok(error instanceof ServerError, String(error));
    assert.equal(error.code, "USAGE");
    return error.message.split("\n  ").slice(1);
  }
  return [];
}

describe("parseDesiredState", () => {
  test("takes a hub with nothing but a name, and tells what is not told apart from what is", () => {
    assert.deepEqual(parseDesiredState({ hubs: [] }), {
      adminPassword: undefined,
      identity: undefined,
      hubs: [],
    });
    assert.deepEqual(parseDesiredState(hub({})).hubs, [
      {
        name: "DEFAULT",
        path: "hubs[0]",
        online: undefined,
        maxSessions: undefined,
        message: undefined,
        adminPassword: undefined,
        users: [],
        groups: [],
        trustedAuthorities: undefined,
        accessList: undefined,
        options: {},
        log: { saveSecurityLog: undefined, savePacketLog: undefined, packetLog: {} },
        secureNat: undefined,
        localBridges: undefined,
      },
    ]);
  });

  test("takes users of every kind", () => {
    const proof = (members: object) => parseUser(members)?.authentication;
    assert.deepEqual(proof({ password: "pw" }), { type: "password", password: "pw" });
    assert.deepEqual(proof({ anonymous: true }), { type: "anonymous" });
    assert.deepEqual(proof({ certificate: pem }), { type: "certificate", certificate: der });
    assert.deepEqual(proof({ signedCertificate: { commonName: "n", serial: "0a:1B 2c" } }), {
      type: "signed-certificate",
      commonName: "n",
      serial: Uint8Array.of(0x0a, 0x1b, 0x2c),
    });
    assert.deepEqual(proof({ signedCertificate: {} }), {
      type: "signed-certificate",
      commonName: "",
      serial: new Uint8Array(),
    });
  });

  test("completes a policy by the default one", () => {
    assert.deepEqual(parseUser({ anonymous: true, policy: { MaxConnection: 3 } })?.policy, {
      ...defaultPolicy,
      MaxConnection: 3,
    });
    assert.equal(parseUser({ anonymous: true })?.policy, undefined);
  });

  test("takes times with a zone only", () => {
    const expires = (text: string) => parseUser({ anonymous: true, expires: text })?.expiresAt;
    assert.equal(expires("2030-01-31T12:00:00+09:00"), Date.parse("2030-01-31T03:00:00Z"));
    assert.equal(expires("2030-01-31T12:00:00.5Z"), Date.parse("2030-01-31T12:00:00.500Z"));
    assert.equal(expires("2030-01-31"), Date.parse("2030-01-31T00:00:00Z"));
    for (const text of ["2030-01-31T12:00:00", "31.1.2030", "2030-13-01", "1969-01-01T00:00:00Z", ""]) {
      assert.match(
        problemsOf(user({ anonymous: true, expires: text }))[0] ?? "",
        /users\[0\]\.expires: is no ISO/,
      );
    }
  });

  test("makes networks, ports and protocols what the hub compares", () => {
    const network = (text: string) => parseRule({ sourceNetwork: text })?.source.network;
    assert.deepEqual(network("10.1.2.3/9"), {
      address: Uint8Array.of(10, 0, 0, 0),
      mask: Uint8Array.of(255, 128, 0, 0),
    });
    assert.deepEqual(network("10.1.2.3")?.mask, Uint8Array.of(255, 255, 255, 255));
    assert.equal(network("0.0.0.0/0"), undefined);
    assert.equal(parseRule({ sourceNetwork: "::/0" })?.version, "ipv6");
    assert.deepEqual(parseRule({ destinationPorts: "80" })?.destination.ports, { first: 80, last: 80 });
    assert.deepEqual(parseRule({ sourcePorts: "1-65535" })?.source.ports, { first: 1, last: 65_535 });
    assert.equal(parseRule({ protocol: "icmp" })?.protocol, 1);
    assert.equal(parseRule({ protocol: "icmp", sourceNetwork: "2001:db8::/32" })?.protocol, 58);
    assert.equal(parseRule({ protocol: 47 })?.protocol, 47);
    assert.deepEqual(parseRule({ sourceMac: "02:00:5e:00:53:00/ff:ff:ff:ff:ff:00" })?.source.mac, {
      address: Uint8Array.of(2, 0, 0x5e, 0, 0x53, 0),
      mask: Uint8Array.of(255, 255, 255, 255, 255, 0),
    });
    assert.equal(parseRule({ destinationUser: "bob" })?.destination.user, "bob");
  });

  test("rules are tried in their order, or in that of the priorities that are told", () => {
    const accessList = [
      { action: "pass" },
      { action: "discard", priority: 1 },
      { action: "pass", priority: 9 },
    ];
    assert.deepEqual(
      parseDesiredState(hub({ accessList })).hubs[0]?.accessList?.map(({ priority, action }) => [
        priority,
        action,
      ]),
      [
        [1, "pass"],
        [1, "discard"],
        [9, "pass"],
      ],
    );
  });

  for (const [value, ...problems] of [
    [7, /^the desired state: is no object/, /^hubs: is missing/],
    [[], /^the desired state: is no object/, /^hubs: is missing/],
    [{}, /^hubs: is missing/],
    [{ hubs: {} }, /^hubs: is no list/],
    [
      { hubs: [], users: [] },
      /^users: is not known here; known are adminPassword, certificate, privateKey, hubs$/,
    ],
    [{ hubs: [null] }, /^hubs\[0\]: is no object/, /^hubs\[0\]\.name: is missing/],
    [{ hubs: [{}] }, /^hubs\[0\]\.name: is missing/],
    [{ hubs: [{ name: "A" }, { name: "a" }] }, /^hubs\[1\]\.name: "a" is there twice/],
    [{ hubs: [{ name: ".x" }] }, /^hubs\[0\]\.name: begins or ends with "\."/],
    [{ hubs: [{ name: "x".repeat(256) }] }, /^hubs\[0\]\.name: is longer than 255/],
    [hub({ name: "a/b" }), /name: holds a character that no name may hold/],
    [hub({ name: " a" }), /name: holds a character that no name may hold/],
    [hub({ name: "" }), /name: is empty/],
    [hub({ online: 1 }), /online: is neither true nor false/],
    [hub({ maxSessions: 1.5 }), /maxSessions: is no whole number from 0/],
    [hub({ message: "a\0b" }), /message: holds a character/],
    [hub({ message: "\ud800" }), /message: holds a character/],
    [hub({ adminPassword: "" }), /adminPassword: is empty/],
    [hub({ trustedAuthorities: ["x"] }), /trustedAuthorities\[0\]: is no certificate in PEM/],
    [hub({ options: { NoEnum: 1, X: 1 } }), /options\.X: is not known/, /options\.NoEnum: is neither/],
    [hub({ log: { packetLog: { tcp: 3 } } }), /log\.packetLog\.tcp: is no whole number from 0 to 2/],
    [
      hub({ groups: [{ name: "g", policy: { TimeOut: 0 } }] }),
      /groups\[0\]\.policy\.TimeOut: .* from 5 to 60/,
    ],
    [hub({ localBridges: [{}] }), /localBridges\[0\]\.device: is missing/],
    [hub({ localBridges: [{ device: "a/b" }] }), /localBridges\[0\]\.device: is no name of an interface/],
    [hub({ localBridges: [{ device: "eth0", tap: 1 }] }), /localBridges\[0\]\.tap: is neither/],
    [user({}), /users\[0\]: nothing tells how the user logs in/],
    [user({ password: "a", anonymous: true }), /users\[0\]: password and anonymous both tell/],
    [user({ anonymous: false }), /users\[0\]\.anonymous: is false/],
    [user({ password: 5 }), /users\[0\]\.password: is no text/],
    [
      user({ certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n" }),
      /users\[0\]\.certificate: is no certificate/,
    ],
    [user({ signedCertificate: { serial: "xyz" } }), /signedCertificate\.serial: is no serial number/],
    [user({ name: "Administrator", anonymous: true }), /name: "Administrator" is reserved/],
    [user({ name: "L3SW_x", anonymous: true }), /is reserved/],
    [user({ name: "*", anonymous: true }), /name: holds a character/],
    [rule({ action: "drop" }), /action: is none of "pass", "discard"/],
    [rule({ sourceNetwork: "10.0.0.0/33" }), /sourceNetwork: is no network/],
    [rule({ sourceNetwork: "fe80::1%eth0" }), /sourceNetwork: is no network/],
    [rule({ sourceNetwork: "10.0.0.0/8", destinationNetwork: "::1" }), /not of the same IP version/],
    [rule({ sourcePorts: "90-80" }), /sourcePorts: is no port/],
    [rule({ sourcePorts: "0" }), /sourcePorts: is no port/],
    [rule({ protocol: "icmp", sourcePorts: "80" }), /protocol: has no ports/],
    [rule({ protocol: "udp", established: true }), /established: is for the protocol tcp only/],
    [rule({ protocol: 256 }), /protocol: is no whole number from 1 to 255/],
    [rule({ delayMs: 10_001 }), /delayMs: is no whole number from 0 to 10000/],
    [rule({ redirectUrl: "ftp://x" }), /redirectUrl: is no address/],
    [rule({ sourceMac: "00-11-22-33-44" }), /sourceMac: is no MAC address/],
  ] as const) {
    test(`refuses ${JSON.stringify(value).slice(0, 90)}`, () => {
      const found = problemsOf(value);
      assert.equal(found.length, problems.length, found.join("\n"));
      for (const [index, problem] of problems.entries()) assert.match(found[index] ?? "", problem);
    });
  }

  test("reports every problem at once, the first fifty of many", () => {
    const users = Array.from({ length: 60 }, (_value, index) => ({ name: `u${index}` }));
    const found = problemsOf(hub({ users }));
    assert.equal(found.length, 51);
    assert.equal(found.at(-1), "and 10 more");
  });

  test("takes certificate and key of the server, both or neither", async () => {
    const { certificatePem: certificate, keyPem: privateKey } = await serverIdentity("CN=own");
    const { identity } = parseDesiredState({ hubs: [], certificate, privateKey });
    assert.match(identity?.certificatePem ?? "", /^-----BEGIN CERTIFICATE-----\n/);
    assert.match(identity?.keyPem ?? "", /^-----BEGIN PRIVATE KEY-----\n/);
    const wrong: [object, RegExp][] = [
      [{ certificate }, /^privateKey: is missing; it goes with certificate$/],
      [{ privateKey }, /^certificate: is missing; it goes with privateKey$/],
      [{ certificate, privateKey: "" }, /^privateKey: is empty$/],
      [
        { certificate: privateKey, privateKey: certificate },
        /^certificate: holds a private key.*\nprivateKey: is no private key/,
      ],
      [{ certificate: 5, privateKey }, /^certificate: is no text$/],
      [{ certificate: pem, privateKey }, /^privateKey: is not the key of the certificate$/],
      [
        { certificate: certificate.repeat(400), privateKey },
        /^certificate: is longer than 131072 characters$/,
      ],
    ];
    for (const [members, expected] of wrong) {
      assert.match(problemsOf({ hubs: [], ...members }).join("\n"), expected);
    }
  });

  test("no message repeats a secret", () => {
    const secret = "correct horse";
    for (const value of [
      user({ password: secret.repeat(50) }),
      user({ password: [secret] }),
      user({ password: secret, anonymous: true }),
      user({ certificate: secret }),
      hub({ adminPassword: secret.repeat(50) }),
      hub({ adminPassword: { secret } }),
      { hubs: [], certificate: secret, privateKey: secret },
      { hubs: [], certificate: [secret], privateKey: { secret } },
      { hubs: [], privateKey: secret },
      {
        hubs: [],
        certificate: "",
        privateKey: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
      },
    ]) {
      const found = problemsOf(value);
      assert.notEqual(found.length, 0);
      assert.doesNotMatch(found.join("\n"), /horse/);
    }
  });

  test("throws nothing but a ServerError, whatever JSON it is", () => {
    const members = fc.constantFrom(
      "name",
      "users",
      "groups",
      "policy",
      "accessList",
      "log",
      "options",
      "hubs",
    );
    const value = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.array(tie("node"), { maxLength: 3 }), tie("object")),
      object: fc.dictionary(members, tie("node"), { maxKeys: 4 }),
    })).node;
    fc.assert(
      fc.property(value, (hubs) => {
        problemsOf({ hubs });
        problemsOf({ hubs: [hubs] });
        problemsOf(hub({ users: [hubs], groups: hubs, accessList: [hubs] }));
      }),
    );
  });
});
