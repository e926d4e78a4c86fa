import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RpcName } from "../../../server/admin/definitions.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import type { Administrator } from "../../../server/admin/rpc.ts";
import { localBridgeLimits } from "../../../server/limits.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestPort } from "../hub/hub-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

type Json = Readonly<Record<string, unknown>>;

function createServer() {
  const administration = new TestAdministration([hubOf({ name: "OWN" })]);
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (method, fault) => assert.fail(`${method}: ${String(fault)}`),
  });
  const ask = (method: RpcName, params: Json, administrator: Administrator = { type: "server" }) =>
    dispatcher.callJson(method, params, { administrator, peerAddress: "192.0.2.1", connectionName: "CID-1" });
  return {
    administration,
    get: async (method: RpcName, params: Json = {}, administrator?: Administrator) => {
      const answer = await ask(method, params, administrator);
      assert.ok(answer.type === "reply", `${method}: ${JSON.stringify(answer)}`);
      return answer.reply as Json;
    },
    errorOf: async (method: RpcName, params: Json = {}) => {
      const answer = await ask(method, params);
      return answer.type === "error" ? [answer.error, answer.message] : ["none"];
    },
  };
}

const bridgeOf = (HubNameLB_str: string, DeviceName_str: string, TapMode_bool = false) => ({
  HubNameLB_str,
  DeviceName_str,
  TapMode_bool,
});

describe("the methods of local bridges", () => {
  test("make, list and delete them; a hub need not be there, and case does not matter", async () => {
    const { administration, get, errorOf } = createServer();
    for (const bridge of [
      bridgeOf("OWN", "eth0"),
      bridgeOf("Nowhere", "Vpn", true),
      bridgeOf("own", "ETH0"),
    ]) {
      await get("AddLocalBridge", bridge);
    }
    const [eth, tap] = [
      { ...bridgeOf("OWN", "eth0"), Online_bool: true, Active_bool: true },
      { ...bridgeOf("Nowhere", "Vpn", true), Online_bool: false, Active_bool: false },
    ];
    assert.deepEqual(await get("EnumLocalBridge"), { LocalBridgeList: [eth, tap], NumItem_u32: 2 });
    const mac = administration.settings().localBridges[1]?.tap;
    assert.deepEqual([mac?.length, mac?.[0]], [6, 0x5e]);
    // The administrator of a hub sees its own.
    const own = await get("EnumLocalBridge", {}, { type: "hub", hubName: "own" });
    assert.deepEqual(own.LocalBridgeList, [eth]);
    // A TAP and an interface may have the same name, and are deleted one after the other.
    await get("AddLocalBridge", bridgeOf("NOWHERE", "vpn"));
    await get("DeleteLocalBridge", bridgeOf("nowhere", "VPN"));
    assert.equal((await get("EnumLocalBridge")).NumItem_u32, 2);
    await get("DeleteLocalBridge", bridgeOf("nowhere", "VPN"));
    assert.deepEqual((await get("EnumLocalBridge")).LocalBridgeList, [eth]);
    assert.equal((await errorOf("DeleteLocalBridge", bridgeOf("OWN", "eth1")))[0], "notFound");
  });

  test("refuse what is no name, and more than there can be", async () => {
    const { administration, get, errorOf } = createServer();
    for (const method of ["AddLocalBridge", "DeleteLocalBridge"] as const) {
      for (const bridge of [bridgeOf("", "eth0"), bridgeOf("OWN", ""), bridgeOf("OWN", "x".repeat(256))]) {
        assert.equal((await errorOf(method, bridge))[0], "invalidParameter");
      }
    }
    for (let count = 0; count < localBridgeLimits.bridges; count++)
      await get("AddLocalBridge", bridgeOf("OWN", `eth${count}`));
    assert.equal((await errorOf("AddLocalBridge", bridgeOf("OWN", "more")))[0], "invalidParameter");
    assert.equal(administration.settings().localBridges.length, localBridgeLimits.bridges);
  });

  test("tell what the host allows, and refuse the rest with the reason", async () => {
    const { administration, get, errorOf } = createServer();
    const capabilities = async () => {
      const list = (await get("GetCaps")).CapsList as { CapsName_str: string; CapsValue_u32: number }[];
      return ["b_local_bridge", "b_tap_supported"].map(
        (name) => list.find(({ CapsName_str }) => CapsName_str === name)?.CapsValue_u32,
      );
    };
    assert.deepEqual(await capabilities(), [1, 1]);
    assert.equal((await get("GetBridgeSupport")).IsBridgeSupportedOs_bool, true);
    assert.deepEqual(
      ((await get("EnumEthernet")).EthList as Json[]).map(({ DeviceName_str }) => DeviceName_str),
      ["br0", "eth0"],
    );
    const reason = "EPERM: socket of packets";
    administration.bridgeSupport = { interfaces: true, taps: { reason } };
    assert.deepEqual(await capabilities(), [1, 0]);
    await get("AddLocalBridge", bridgeOf("OWN", "eth0"));
    assert.deepEqual(await errorOf("AddLocalBridge", bridgeOf("OWN", "vpn", true)), [
      "bridgeNotSupported",
      reason,
    ]);
    administration.bridgeSupport = { interfaces: { reason }, taps: { reason } };
    assert.deepEqual(await capabilities(), [0, 0]);
    assert.equal((await get("GetBridgeSupport")).IsBridgeSupportedOs_bool, false);
    for (const method of ["AddLocalBridge", "EnumLocalBridge"] as const) {
      assert.deepEqual(await errorOf(method, bridgeOf("OWN", "eth1")), ["bridgeNotSupported", reason]);
    }
    assert.deepEqual(await errorOf("EnumEthernet"), ["notSupported", reason]);
    // What is set up can be taken away all the same.
    await get("DeleteLocalBridge", bridgeOf("OWN", "eth0"));
  });
});

describe("the list of sessions", () => {
  test("has the ports that the server itself plugs in, each with its flag, and none of them can be ended", async () => {
    const { administration, get, errorOf } = createServer();
    const hub = administration.hubs.find("OWN")?.hub;
    assert.ok(hub);
    const kinds = [
      ["local-bridge", "BridgeMode_bool", "bridgeCannotDisconnect"],
      ["secure-nat", "SecureNATMode_bool", "secureNatCannotDisconnect"],
      ["cascade", "LinkMode_bool", "linkCannotDisconnect"],
      ["l3-switch", "Layer3Mode_bool", "layer3CannotDisconnect"],
    ] as const;
    for (const [kind] of kinds) hub.attach(new TestPort(kind, { kind }));
    const list = (await get("EnumSession", { HubName_str: "OWN" })).SessionList as Json[];
    assert.equal(list.length, kinds.length);
    for (const [index, [kind, flag, error]] of kinds.entries()) {
      const name = `SID-${kind.toUpperCase()}-1`;
      const item = list[index];
      assert.equal(item?.Name_str, name);
      assert.deepEqual(
        kinds.map(([, each]) => item[each]),
        kinds.map(([, each]) => each === flag),
      );
      assert.equal(item.Client_BridgeMode_bool, true);
      assert.deepEqual([item.Ip_ip, item.Hostname_str, item.CurrentNumTcp_u32], ["0.0.0.0", "", 0]);
      const session = { HubName_str: "OWN", Name_str: name.toLowerCase() };
      const status = await get("GetSessionStatus", session);
      assert.deepEqual(
        [status.Username_str, status.IsBridgeMode_bool, status.Active_bool],
        [kind, true, true],
      );
      assert.equal((await errorOf("DeleteSession", session))[0], error);
    }
    assert.equal((await get("GetHubStatus", { HubName_str: "OWN" })).NumSessions_u32, kinds.length);
    assert.equal((await errorOf("GetSessionStatus", { HubName_str: "OWN", Name_str: "x" }))[0], "notFound");
  });
});
