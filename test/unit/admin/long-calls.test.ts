import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JsonApi } from "../../../server/admin/json-api.ts";
import type { AdminService } from "../../../server/admin/admin-service.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import { PackRpcConnection } from "../../../server/admin/pack-rpc.ts";
import type { Call } from "../../../server/admin/rpc.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import { packProtocolLimits, rpcLimits } from "../../../server/limits.ts";
import type { HubSettings } from "../../../server/settings/hub-settings.ts";
import { decodePack, encodePack, Pack } from "../../../server/wire/pack.ts";
import { TestAdministration } from "./administration-fixture.ts";

const call: Call = {
  administrator: { type: "hub", hubName: "BIG" },
  peerAddress: "192.0.2.1",
  connectionName: "CID-1",
};
/** Fewer than are seen on a quick machine by far, and none without turns that others get. */
const leastTurns = 20;

/** How many turns of the event loop others got until a promise was there. */
async function othersMeanwhile<T>(promise: Promise<T>): Promise<{ value: T; turns: number }> {
  let turns = 0;
  let goesOn = true;
  const count = () => {
    turns++;
    if (goesOn) setImmediate(count);
  };
  setImmediate(count);
  const value = await promise;
  goesOn = false;
  return { value, turns };
}

function createServer(changes: Partial<HubSettings> = {}) {
  const administration = new TestAdministration([{ ...createHubSettings("BIG"), ...changes }]);
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (_method, fault) => assert.fail(fault as Error),
  });
  /** By way of bytes, as `vpncmd` has it. */
  const callPack = (request: Pack): Promise<Pack> =>
    new Promise((resolve) => {
      const parts: Buffer[] = [];
      let left = 0;
      const rpc = new PackRpcConnection(
        {
          name: "CID-1",
          send: (bytes, sent) => {
            if (parts.length === 0) left = bytes.readUInt32BE() + 4;
            parts.push(bytes);
            left -= bytes.length;
            if (left > 0) setImmediate(sent);
            else resolve(decodePack(Buffer.concat(parts).subarray(4), packProtocolLimits));
          },
          close: () => assert.fail("closed"),
          hold: () => {},
          goOn: () => {},
        },
        {
          requestBytes: rpcLimits.requestBytes,
          owner: "big",
          answer: (pack) => dispatcher.callPack(pack, call),
          onClosed: () => {},
        },
      );
      const bytes = encodePack(request.addStr("HubName", "BIG"));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      rpc.receive(Buffer.concat([length, bytes]));
    });
  return { administration, dispatcher, callPack };
}

function rulesPack(count: number): Pack {
  const numbers = Array.from({ length: count }, (_, index) => index);
  return new Pack()
    .add("Id", { type: "int", values: numbers })
    .add("Priority", { type: "int", values: numbers.map((number) => 1 + ((number * 7919) % count)) })
    .add("Note", { type: "unistr", values: numbers.map((number) => `rule ${number}`) })
    .addStr("function_name", "SetAccessList");
}

describe("long calls", () => {
  test("a hub's administrator sets and reads as many rules as there may be, and others get their turns", async () => {
    const { callPack, administration } = createServer();
    const set = await othersMeanwhile(callPack(rulesPack(rpcLimits.items)));
    assert.equal(set.value.int("error"), 0);
    assert.ok(set.turns > leastTurns, `${set.turns} turns`);
    const [hub] = administration.settings().hubs;
    assert.equal(hub?.accessList.length, rpcLimits.items);
    assert.ok(
      hub.accessList.every(({ priority }, index, all) => priority >= (all[index - 1]?.priority ?? 0)),
    );
    const read = await othersMeanwhile(callPack(new Pack().addStr("function_name", "EnumAccess")));
    assert.equal(read.value.count("Note"), rpcLimits.items);
    assert.ok(read.turns > leastTurns, `${read.turns} turns`);
  });

  test("the same as JSON", async () => {
    const { administration, dispatcher } = createServer();
    const service = {
      login: () => Promise.resolve({ type: "administrator", administrator: call.administrator }),
      stands: () => true,
      enter: () => true,
    };
    const api = new JsonApi(service as unknown as AdminService, dispatcher, administration);
    const ask = (method: string, params: object) => {
      const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", method, params }));
      const headers = { "x-vpnadmin-password": "", "content-type": "application/json" };
      return othersMeanwhile(
        api.answer({
          ...{ method: "POST", target: "/api/", headers, peerAddress: "192.0.2.1", connectionName: "CID-1" },
          gone: new AbortController().signal,
          connection: { close: () => {}, isIdle: () => true, onClosed: () => {} },
          body: () => Promise.resolve([body]),
        }),
      );
    };
    const AccessList = Array.from({ length: 10_000 }, (_, index) => ({
      Note_utf: `rule ${index}`,
      Priority_u32: index + 1,
    }));
    const set = await ask("SetAccessList", { HubName_str: "BIG", AccessList });
    const answer = JSON.parse(Buffer.concat(set.value.parts ?? []).toString()) as { error?: unknown };
    assert.equal(answer.error, undefined);
    assert.ok(set.turns > leastTurns, `${set.turns} turns`);
    assert.equal(administration.settings().hubs[0]?.accessList.length, AccessList.length);
  });

  test("a list of 10,000 users", async () => {
    const users = Array.from({ length: 10_000 }, (_, index) => `user${index}`).map((name) => ({
      ...{ name, realName: "", note: "", group: undefined, authentication: { type: "anonymous" } as const },
      ...{ expiresAt: undefined, policy: undefined, createdAt: 0, updatedAt: 0 },
    }));
    const { callPack } = createServer({ users: new Map(users.map((user) => [user.name, user])) });
    const { value, turns } = await othersMeanwhile(callPack(new Pack().addStr("function_name", "EnumUser")));
    assert.equal(value.count("Name"), users.length);
    assert.ok(turns > 5, `${turns} turns`);
  });

  test("a rule comes behind those of its priority, without the list being sorted anew", async () => {
    const { dispatcher, administration } = createServer();
    for (const [Priority_u32, Note_utf] of [
      [5, "a"],
      [1, "b"],
      [5, "c"],
      [9, "d"],
      [5, "e"],
      [0, "f"],
    ]) {
      const AccessListSingle = [{ Priority_u32, Note_utf }];
      const { type } = await dispatcher.callJson("AddAccess", { HubName_str: "BIG", AccessListSingle }, call);
      assert.equal(type, "reply");
    }
    const notes = administration.settings().hubs[0]?.accessList.map(({ note }) => note);
    assert.deepEqual(notes, ["f", "b", "a", "c", "e", "d"]);
  });
});
