import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RpcHandlers } from "../../../server/admin/definitions.ts";
import { RpcDispatcher, type RpcChange } from "../../../server/admin/dispatch.ts";
import { RpcError, type Call } from "../../../server/admin/rpc.ts";
import { Pack } from "../../../server/wire/pack.ts";

const call: Call = { administrator: { type: "server" }, peerAddress: "192.0.2.1", connectionName: "CID-1" };
const request = (method: string) => new Pack().addStr("function_name", method);

function dispatcherOf(handlers: RpcHandlers) {
  const faults: string[] = [];
  const changes: RpcChange[] = [];
  const dispatcher = new RpcDispatcher({
    handlers,
    onChange: (_call, change) => changes.push(change),
    onFault: (method, fault) => faults.push(`${method}: ${String(fault)}`),
  });
  return { dispatcher, faults, changes };
}

describe("RpcDispatcher", () => {
  test("answers with the request, and with what the handler tells over it", async () => {
    const { dispatcher } = dispatcherOf({ Test: ({ IntValue }) => ({ StrValue: String(IntValue) }) });
    const reply = await dispatcher.callPack(
      request("test").addInt("IntValue", 7).addStr("StrValue", "x"),
      call,
    );
    assert.deepEqual([reply.int("IntValue"), reply.str("StrValue"), reply.has("error")], [7, "7", false]);
    assert.deepEqual(await dispatcher.callJson("TEST", { IntValue_u32: 7 }, call), {
      type: "reply",
      reply: { Int64Value_u64: 0, IntValue_u32: 7, StrValue_str: "7", UniStrValue_utf: "" },
    });
  });

  test("gives no secret of a request back, and a handler's own", async () => {
    const { dispatcher } = dispatcherOf({
      SetServerPassword: () => ({}),
      GetServerCert: () => ({ Key: Buffer.from("key") }),
      EnumEtherIpId: () => ({}),
    });
    const password = { PlainTextPassword_str: "secret", HashedPassword_bin: "AQID" };
    assert.deepEqual(await dispatcher.callJson("SetServerPassword", password, call), {
      type: "reply",
      reply: { HashedPassword_bin: "", PlainTextPassword_str: "" },
    });
    const cert = await dispatcher.callPack(request("GetServerCert"), call);
    assert.equal(Buffer.from(cert.data("Key") ?? []).toString(), "key");
    const list = await dispatcher.callJson("EnumEtherIpId", { Settings: [{ Password_str: "secret" }] }, call);
    assert.deepEqual(list, { type: "reply", reply: { Settings: [], NumItem_u32: 0 } });
  });

  test("counts the items of a list where a field tells their number", async () => {
    const { dispatcher } = dispatcherOf({
      EnumEthernet: () => ({ EthList: [{ DeviceName: "eth0", NetworkConnectionName: "" }] }),
    });
    assert.equal(
      (await dispatcher.callPack(request("EnumEthernet").addInt("NumItem", 9), call)).int("NumItem"),
      1,
    );
  });

  test("tells capabilities also by numbers of their own", async () => {
    const { dispatcher } = dispatcherOf({
      GetCaps: () => ({ CapsList: [{ CapsName: "b_standalone", CapsValue: 1, CapsDescrption: "" }] }),
    });
    assert.equal((await dispatcher.callPack(request("GetCaps"), call)).int("caps_b_standalone"), 1);
    const json = await dispatcher.callJson("GetCaps", {}, call);
    assert.equal(
      json.type === "reply" && (json.reply as Record<string, unknown>)["caps_b_standalone_u32"],
      1,
    );
  });

  test("answers 33 to a method that is not there, and to one without a handler", async () => {
    const { dispatcher, faults } = dispatcherOf({});
    for (const method of ["Nothing", "", "Test"]) {
      assert.equal((await dispatcher.callPack(request(method), call)).int("error"), 33);
      const json = await dispatcher.callJson(method, {}, call);
      assert.equal(json.type === "error" && json.error, "notSupported");
    }
    assert.deepEqual(faults, []);
  });

  test("answers with the error of a handler, and its text", async () => {
    const { dispatcher, faults } = dispatcherOf({
      Test: () => {
        throw new RpcError("notFound");
      },
      GetKeep: () => Promise.reject(new RpcError("invalidParameter", "Port_u32: 0 is no port")),
    });
    const refusal = (error: string, message: string) => ({ type: "error", error, message });
    assert.equal((await dispatcher.callPack(request("Test"), call)).int("error"), 29);
    assert.deepEqual(
      await dispatcher.callJson("Test", {}, call),
      refusal("notFound", "There is no such object."),
    );
    assert.deepEqual(
      await dispatcher.callJson("GetKeep", {}, call),
      refusal("invalidParameter", "Port_u32: 0 is no port"),
    );
    assert.deepEqual(faults, []);
  });

  test("answers 23 to any other fault, also of writing the reply, and tells it the log alone", async () => {
    const { dispatcher, faults } = dispatcherOf({
      Test: () => {
        throw new Error("detail");
      },
      GetKeep: () => ({ KeepConnectHost: "a\0b" }),
      GetSysLog: () => ({ Port: -1 }),
    });
    for (const method of ["Test", "GetKeep", "GetSysLog"]) {
      const reply = await dispatcher.callPack(request(method), call);
      assert.deepEqual([reply.int("error"), reply.size], [23, 1]);
    }
    const json = await dispatcher.callJson("Test", {}, call);
    assert.ok(json.type === "error" && json.error === "internal" && !json.message.includes("detail"));
    assert.match(
      faults.join("\n"),
      /^Test: Error: detail\nGetKeep: .*NUL\nGetSysLog: .*range.*\nTest: Error: detail$/,
    );
  });

  test("answers 38 to parameters that are missing or wrong", async () => {
    const { dispatcher } = dispatcherOf({ Test: () => ({}) });
    for (const params of [undefined, null, [], "x", { IntValue_u32: [] }]) {
      const reply = await dispatcher.callJson("Test", params, call);
      assert.equal(reply.type === "error" && reply.error, "invalidParameter");
    }
    const pack = request("Test").addInt64("Int64Value", 1n << 60n);
    assert.equal((await dispatcher.callPack(pack, call)).int("error"), 38);
  });

  test("tells of each call that may change something how it ended, and of no other", async () => {
    const { dispatcher, changes } = dispatcherOf({ SetHubOnline: () => ({}), GetHub: () => ({}) });
    await dispatcher.callJson("SetHubOnline", { HubName_str: "HUB" }, call);
    await dispatcher.callJson("GetHub", { HubName_str: "HUB" }, call);
    await dispatcher.callJson("DeleteHub", { HubName_str: "HUB" }, call);
    const other: Call = { ...call, administrator: { type: "hub", hubName: "OTHER" } };
    await dispatcher.callJson("SetHubOnline", { HubName_str: "HUB" }, other);
    assert.deepEqual(changes, [
      { method: "SetHubOnline", hubName: "HUB", about: { Online: "false" }, error: undefined },
      { method: "DeleteHub", hubName: "", about: { HubName: "HUB" }, error: "notSupported" },
      { method: "SetHubOnline", hubName: "HUB", about: { Online: "false" }, error: "notEnoughRights" },
    ]);
  });

  test("tells what a change is about, and no secret of it", async () => {
    const { dispatcher, changes } = dispatcherOf({
      CreateUser: () => ({}),
      CreateHub: () => ({}),
      DeleteListener: () => ({}),
    });
    const user = { HubName_str: "HUB", Name_str: "alice", Auth_Password_str: "s3cret" };
    await dispatcher.callJson("CreateUser", user, call);
    const hub = { HubName_str: "NEW", Online_bool: true, AdminPasswordPlainText_str: "s3cret" };
    await dispatcher.callJson("CreateHub", hub, call);
    await dispatcher.callJson("DeleteListener", { Port_u32: 443 }, call);
    assert.deepEqual(
      changes.map(({ about }) => about),
      [{ Name: "alice" }, { HubName: "NEW", Online: "true" }, { Port: 443 }],
    );
    assert.doesNotMatch(JSON.stringify(changes), /s3cret/);
  });

  test("answers also when nobody can be told of the change", async () => {
    const faults: string[] = [];
    const dispatcher = new RpcDispatcher({
      handlers: { SetKeep: () => ({}) },
      onChange: () => {
        throw new Error("the log is full");
      },
      onFault: (method, fault) => faults.push(`${method}: ${String(fault)}`),
    });
    assert.equal((await dispatcher.callPack(request("SetKeep"), call)).has("error"), false);
    assert.deepEqual(faults, ["SetKeep: Error: the log is full"]);
  });
});
