import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rpcs, type RpcHandlers, type RpcName } from "../../../server/admin/definitions.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { encodeMessage } from "../../../server/admin/pack-messages.ts";
import { messageToJson } from "../../../server/admin/json-messages.ts";
import type { Administrator, Call, RpcDefinition } from "../../../server/admin/rpc.ts";
import { zeroMessage } from "../../../server/admin/zero-value.ts";
import { Pack } from "../../../server/wire/pack.ts";

const definitions = Object.entries(rpcs) as [RpcName, RpcDefinition][];

/** Calls a method as both kinds of clients do; the error's number of each, and how often the handler was reached. */
async function outcome(method: RpcName, hubName: string, administrator: Administrator) {
  let reached = 0;
  const handlers = Object.fromEntries(
    definitions.map(([name]) => [
      name,
      () => {
        assert.equal(name, method);
        reached += 1;
        return {};
      },
    ]),
  ) as RpcHandlers;
  const onFault = (_method: RpcName, fault: unknown) => assert.fail(String(fault));
  const dispatcher = new RpcDispatcher({ handlers, onFault });
  const call: Call = { administrator, peerAddress: "192.0.2.1", connectionName: "CID-1" };
  const { fields, hubField = "HubName" } = rpcs[method] as RpcDefinition;
  const message = {
    ...zeroMessage(fields),
    ...(fields[hubField] === undefined ? {} : { [hubField]: hubName }),
  };
  const pack = encodeMessage(new Pack(), fields, message).addStr("function_name", method);
  const packReply = await dispatcher.callPack(pack, call);
  const jsonReply = await dispatcher.callJson(method, messageToJson(fields, message), call);
  const jsonError = jsonReply.type === "error" ? jsonReply.error : "none";
  return { packError: packReply.int("error"), jsonError, reached };
}

const allowed = { packError: 0, jsonError: "none", reached: 2 };
const refused = { packError: 52, jsonError: "notEnoughRights", reached: 0 };
const hubAdministrator: Administrator = { type: "hub", hubName: "Own" };

// The methods that anyone may call tell a hub's administrator less: that is their handlers' part, and tested there.
describe("the right to call", () => {
  for (const [name, { right }] of definitions) {
    const rule = {
      any: "any administrator",
      server: "the server's administrator alone",
      hub: "the server's administrator and that of the hub itself",
    }[right];
    test(`${name} is had by ${rule}`, async () => {
      assert.deepEqual(await outcome(name, "Other", { type: "server" }), allowed);
      const inOwn = right === "server" ? refused : allowed;
      assert.deepEqual(await outcome(name, "Own", hubAdministrator), inOwn);
      assert.deepEqual(await outcome(name, "OWN", hubAdministrator), inOwn);
      const outside = right === "any" ? allowed : refused;
      for (const hubName of ["Other", "", "Own ", "Ow"]) {
        assert.deepEqual(await outcome(name, hubName, hubAdministrator), outside, `hub "${hubName}"`);
      }
    });
  }
});
