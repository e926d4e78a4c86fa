import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultPolicy, policyNames } from "../../../../../server/settings/policy.ts";
import { packProtocolLimits } from "../../../../../server/limits.ts";
import { decodePack, encodePack, type Pack } from "../../../../../server/wire/pack.ts";
import { errorPack, protocolErrors, type ProtocolError } from "../../../../../server/wire/protocol-error.ts";
import {
  encodeAdditionalReply,
  encodeWelcome,
  type Welcome,
} from "../../../../../server/protocols/softether/messages/welcome.ts";

const welcome: Welcome = {
  sessionName: "SID-ALICE-1",
  connectionName: "CID-7",
  sessionKey: Uint8Array.from({ length: 20 }, (_value, index) => index),
  sessionKey32: 0xdead_beef,
  timeoutMs: 20_000,
  maxConnections: 8,
  encrypt: true,
  compress: false,
  halfDuplex: false,
  qos: true,
  policy: { ...defaultPolicy, NoBridge: true, MaxUpload: 1_000_000, VLanId: 12 },
  message: "",
};
const overTheWire = (pack: Pack) => decodePack(encodePack(pack), packProtocolLimits);

describe("welcome", () => {
  test("has everything that official clients need", () => {
    const pack = overTheWire(encodeWelcome(welcome));
    assert.equal(pack.str("session_name"), "SID-ALICE-1");
    assert.equal(pack.str("connection_name"), "CID-7");
    assert.deepEqual(Uint8Array.from(pack.data("session_key") ?? []), welcome.sessionKey);
    assert.equal(pack.int("session_key_32"), 0xdead_beef);
    assert.equal(pack.int("timeout"), 20_000);
    assert.equal(pack.int("max_connection"), 8);
    assert.equal(pack.int("error"), 0);
  });

  test("says no as well as yes, since a missing use_encrypt means clear text", () => {
    const flags = ["use_encrypt", "use_compress", "half_connection", "qos"] as const;
    const of = (changed: Partial<Welcome>) => {
      const pack = overTheWire(encodeWelcome({ ...welcome, ...changed }));
      for (const flag of flags) assert.equal(pack.count(flag), 1, flag);
      return flags.map((flag) => pack.bool(flag));
    };
    assert.deepEqual(of({}), [true, false, false, true]);
    assert.deepEqual(of({ encrypt: false, compress: true, halfDuplex: true, qos: false }), [
      false,
      true,
      true,
      false,
    ]);
  });

  test("has every policy", () => {
    const pack = overTheWire(encodeWelcome(welcome));
    for (const name of policyNames) {
      assert.equal(pack.count(`policy:${name}`), 1, name);
      assert.equal(pack.int(`policy:${name}`), Number(welcome.policy[name]), name);
    }
    assert.equal(pack.int("policy:Ver3"), 1);
    assert.equal(pack.int("vlan_id"), 12);
  });

  test("has the hub's message as UTF-8, and none when there is none", () => {
    assert.equal(encodeWelcome(welcome).has("Msg"), false);
    const pack = overTheWire(encodeWelcome({ ...welcome, message: "Grüße" }));
    assert.equal(Buffer.from(pack.data("Msg") ?? []).toString(), "Grüße");
  });

  test("declines what this server does not do, and never lets the signature be left out", () => {
    const pack = encodeWelcome(welcome);
    for (const name of ["use_udp_acceleration", "enable_bulk_on_rudp", "no_send_signature", "Redirect"]) {
      assert.equal(pack.has(name), false, name);
    }
  });

  test("is refused for a key of another size", () => {
    assert.throws(
      () => encodeWelcome({ ...welcome, sessionKey: new Uint8Array(19) }),
      /session key: 19 bytes/,
    );
  });
});

describe("answer to one more connection", () => {
  // Worked example 1 of reference/softether/transport.md, section 3.
  test("is what the reference shows", () => {
    assert.equal(
      encodePack(encodeAdditionalReply("server-to-client")).toString("hex"),
      "00000002" +
        "000000066572726f72000000000000000100000000" +
        "0000000a646972656374696f6e000000000000000100000001",
    );
  });

  test("tells the direction by number", () => {
    assert.equal(encodeAdditionalReply("both").int("direction"), 0);
    assert.equal(encodeAdditionalReply("client-to-server").int("direction"), 2);
    assert.ok(encodeAdditionalReply("both").has("error"));
  });
});

describe("error", () => {
  test("has a number of its own for each reason", () => {
    const numbers = Object.values(protocolErrors);
    assert.equal(new Set(numbers).size, numbers.length);
    for (const [name, number] of Object.entries(protocolErrors)) {
      assert.equal(overTheWire(errorPack(name as ProtocolError)).int("error"), number);
    }
  });

  test("of a login tells whether the password may be kept", () => {
    assert.equal(errorPack("authenticationFailed", { noSavePassword: true }).int("no_save_password"), 1);
    assert.ok(errorPack("authenticationFailed", { noSavePassword: false }).has("no_save_password"));
    assert.equal(errorPack("hubNotFound").has("no_save_password"), false);
  });
});
