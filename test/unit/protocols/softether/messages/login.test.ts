import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { packBeforeLoginLimits } from "../../../../../server/limits.ts";
import { DecodeError } from "../../../../../server/wire/decode-error.ts";
import {
  decodeAdditionalConnect,
  decodeLogin,
} from "../../../../../server/protocols/softether/messages/login.ts";
import { addAddress } from "../../../../../server/wire/pack-address.ts";
import { decodePack, encodePack, Pack } from "../../../../../server/wire/pack.ts";

const counting = (length: number) => Uint8Array.from({ length }, (_value, index) => index);
const overTheWire = (pack: Pack) => decodePack(encodePack(pack), packBeforeLoginLimits);
const swapped501 = 4110483456;

/** The least that is a login. */
function loginPack(authtype = 0): Pack {
  return new Pack()
    .addStr("method", "login")
    .addStr("hubname", "DEFAULT")
    .addStr("username", "alice")
    .addInt("authtype", authtype);
}

/** With the fields of reference/softether/session.md, section 3.3, as the official 9674 client sends them. */
function officialPack(): Pack {
  const pack = loginPack(1)
    .addInt("protocol", 0)
    .addData("secure_password", counting(20))
    .addStr("client_str", "SoftEther VPN Client Developer Edition")
    .addInt("client_ver", 501)
    .addInt("client_build", 9674)
    .addStr("hello", "SoftEther VPN Client Developer Edition")
    .addInt("version", 501)
    .addInt("build", 9674)
    .addInt("client_id", 123)
    .addInt("max_connection", 8)
    .addInt("use_encrypt", 1)
    .addInt("use_compress", 0)
    .addInt("half_connection", 0)
    .addBool("require_bridge_routing_mode", true)
    .addBool("require_monitor_mode", false)
    .addBool("qos", true)
    .addData("unique_id", counting(20))
    .addBool("use_udp_acceleration", true)
    .addInt("udp_acceleration_version", 1)
    .addStr("ClientProductName", "SoftEther VPN Client Developer Edition")
    .addStr("ServerProductName", "Srv")
    .addStr("ClientOsName", "Linux")
    .addStr("ClientOsVer", "Unknown Linux Version")
    .addStr("ClientOsProductId", "--")
    .addStr("ClientHostname", "client.example")
    .addStr("ServerHostname", "192.0.2.1")
    .addStr("ProxyHostname", "")
    .addData("UniqueId", counting(16))
    .addInt("ClientProductVer", swapped501)
    .addInt("ClientProductBuild", 1)
    .addInt("ServerProductVer", 2)
    .addInt("ServerProductBuild", 3)
    .addInt("ClientPort", 4)
    .addInt("ServerPort2", 5)
    .addInt("ProxyPort", 0)
    .addData("ClientIpAddress6", new Uint8Array(16))
    .addData("ServerIpAddress6", counting(16))
    .addData("pencore", counting(100));
  addAddress(pack, "ClientIpAddress", "198.51.100.7");
  addAddress(pack, "ServerIpAddress", "192.0.2.1");
  return addAddress(pack, "ProxyIpAddress", "0.0.0.0");
}

describe("login", () => {
  test("of the official client is read whole", () => {
    assert.deepEqual(decodeLogin(overTheWire(officialPack())), {
      hubName: "DEFAULT",
      userName: "alice",
      authentication: { type: "password", response: counting(20) },
      maxConnections: 8,
      halfDuplex: false,
      encrypt: true,
      compress: false,
      qos: true,
      bridgeMode: true,
      monitorMode: false,
      uniqueId: counting(20),
      client: {
        product: "SoftEther VPN Client Developer Edition",
        version: 501,
        build: 9674,
        clientId: 123,
      },
      node: {
        clientProduct: "SoftEther VPN Client Developer Edition",
        clientVersion: swapped501,
        clientBuild: 1,
        serverProduct: "Srv",
        serverVersion: 2,
        serverBuild: 3,
        osName: "Linux",
        osVersion: "Unknown Linux Version",
        osProductId: "--",
        client: {
          hostName: "client.example",
          address: "198.51.100.7",
          address6: new Uint8Array(16),
          port: 4,
        },
        server: { hostName: "192.0.2.1", address: "192.0.2.1", address6: counting(16), port: 5 },
        proxy: { hostName: "", address: "0.0.0.0", address6: new Uint8Array(16), port: 0 },
        uniqueId: counting(16),
      },
    });
  });

  test("with nothing but its names is one of an unknown client that asks for nothing", () => {
    const request = decodeLogin(overTheWire(loginPack()));
    assert.deepEqual(request.authentication, { type: "anonymous" });
    assert.deepEqual(request.client, { product: "Unknown", version: 0, build: 0, clientId: 0 });
    assert.equal(request.maxConnections, 0);
    assert.equal(request.encrypt, false);
    assert.deepEqual(request.uniqueId, new Uint8Array(20));
    assert.deepEqual(request.node.uniqueId, new Uint8Array(16));
    assert.equal(request.node.client.address, "0.0.0.0");
  });

  test("tells what proves the user", () => {
    const authentication = (pack: Pack) => decodeLogin(overTheWire(pack)).authentication;
    assert.deepEqual(authentication(loginPack(1)), { type: "password", response: new Uint8Array() });
    assert.deepEqual(authentication(loginPack(2).addStr("plain_password", "p")), {
      type: "plain-password",
      password: "p",
    });
    assert.deepEqual(authentication(loginPack(3).addData("cert", counting(3)).addData("sign", counting(2))), {
      type: "certificate",
      certificate: counting(3),
      signature: counting(2),
    });
    assert.deepEqual(authentication(loginPack(99).addData("ticket", counting(20))), {
      type: "ticket",
      ticket: counting(20),
    });
    for (const number of [4, 5, 96, 97, 98, 100, 0xffff_ffff]) {
      assert.deepEqual(authentication(loginPack(number)), { type: "unsupported", number });
    }
  });

  test("has a user's name without the spaces around it", () => {
    const pack = new Pack().addStr("hubname", "H").addStr("username", "  alice smith ");
    assert.equal(decodeLogin(pack).userName, "alice smith");
  });

  test("keeps none of the bytes that it came in", () => {
    const encoded = encodePack(officialPack());
    const { authentication, uniqueId, node } = decodeLogin(decodePack(encoded, packBeforeLoginLimits));
    encoded.fill(0xff);
    assert.deepEqual(authentication, { type: "password", response: counting(20) });
    assert.deepEqual(uniqueId, counting(20));
    assert.deepEqual(node.uniqueId, counting(16));
  });

  test("is refused without the names of hub and user", () => {
    assert.throws(() => decodeLogin(new Pack().addStr("username", "a")), {
      name: "DecodeError",
      field: "hubname",
    });
    assert.throws(() => decodeLogin(new Pack().addStr("hubname", "a")), {
      name: "DecodeError",
      field: "username",
    });
  });

  test("is refused when a name or the password is too long", () => {
    const long = "x".repeat(256);
    const named = (hubname: string, username: string) =>
      new Pack().addStr("hubname", hubname).addStr("username", username);
    assert.throws(() => decodeLogin(named(long, "a")), { field: "hubname" });
    assert.throws(() => decodeLogin(named("a", long)), { field: "username" });
    assert.throws(() => decodeLogin(loginPack(2).addStr("plain_password", long)), {
      field: "plain_password",
    });
    assert.equal(decodeLogin(named("a", long.slice(1))).userName.length, 255);
  });

  test("has texts that are only shown cut to their length, and not within a character", () => {
    const pack = loginPack()
      .addStr("hello", "h".repeat(1000))
      .addStr("ClientOsVer", "v".repeat(1000))
      .addStr("ClientHostname", `${"n".repeat(62)}😀`);
    const { client, node } = decodeLogin(overTheWire(pack));
    assert.equal(client.product.length, 255);
    assert.equal(node.osVersion.length, 127);
    assert.equal(node.client.hostName, "n".repeat(62));
  });

  test("throws nothing but a decode error, whatever its elements are", () => {
    const names = [...officialPack().elements()].map(({ name }) => name);
    const value = fc.oneof(
      fc.record({
        type: fc.constant("int" as const),
        values: fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 2 }),
      }),
      fc.record({
        type: fc.constant("data" as const),
        values: fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 2 }),
      }),
      fc.record({
        type: fc.constant("str" as const),
        values: fc.array(fc.stringMatching(/^[^\0]{0,300}$/), { minLength: 1, maxLength: 2 }),
      }),
    );
    const element = fc.tuple(fc.constantFrom(...names, "plain_password", "cert", "sign", "ticket"), value);
    const elements = fc.uniqueArray(element, { selector: ([name]) => name.toLowerCase(), maxLength: 60 });
    fc.assert(
      fc.property(elements, (list) => {
        const pack = new Pack();
        for (const [name, content] of list) pack.add(name, content);
        try {
          decodeLogin(pack);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("request for one more connection", () => {
  test("has the session's key", () => {
    const pack = overTheWire(
      new Pack().addStr("method", "additional_connect").addData("session_key", counting(20)),
    );
    assert.deepEqual(Uint8Array.from(decodeAdditionalConnect(pack).sessionKey), counting(20));
  });

  test("is refused without a key of 20 bytes", () => {
    const wrong = [
      new Pack(),
      new Pack().addData("session_key", counting(19)),
      new Pack().addData("session_key", counting(21)),
      new Pack().addStr("session_key", "x".repeat(20)),
    ];
    for (const pack of wrong) assert.throws(() => decodeAdditionalConnect(pack), { field: "session_key" });
  });
});
