import assert from "node:assert/strict";
import { test } from "node:test";
import { PasswordThrottle } from "../../../server/access/password-throttle.ts";
import { AdminService } from "../../../server/admin/admin-service.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { rpcLimits } from "../../../server/limits.ts";
import type { ClientRequest } from "../../../server/protocols/softether/client-request.ts";
import { Pack } from "../../../server/wire/pack.ts";
import { hashAdminPassword, secureResponse } from "../../../server/wire/sha0.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

/** Administrators of hubs and of the server, who stay until they are told to go. */
function createService() {
  const hubs = ["A", "B", "C", "D"].map((name) => hubOf({ name, hashedPassword: hashAdminPassword("x") }));
  const settings = { ...new TestAdministration(hubs).settings(), hashedPassword: hashAdminPassword("x") };
  const service = new AdminService({
    settings: () => settings,
    dispatcher: new RpcDispatcher({ handlers: {}, onFault: () => {} }),
    admits: () => true,
    throttle: new PasswordThrottle({ now: () => 0, delay: () => Promise.resolve() }),
    tell: () => {},
  });
  const challenge = Buffer.alloc(20, 1);
  const proof = secureResponse(hashAdminPassword("x"), challenge);
  const connect = async (hubName: string) => {
    const pack = new Pack().addData("secure_password", proof);
    if (hubName !== "") pack.addStr("hubname", hubName);
    const request = { pack, challenge, peer: { address: "192.0.2.1", port: 1 }, connectionName: "CID-1" };
    const answer = await service.answer(request as unknown as ClientRequest);
    if (answer.type !== "administer") return answer.type === "error" ? answer.error : answer.type;
    return answer.attach({ name: "CID-1", send: () => {}, close: () => {}, hold: () => {}, goOn: () => {} });
  };
  const times = async (count: number, hubName: string) => {
    for (let connection = 0; connection < count; connection++) {
      assert.equal(typeof (await connect(hubName)), "object", `connection ${connection} of ${hubName}`);
    }
  };
  return { connect, times };
}

test("administrators of hubs leave places for those of the server, and those of one hub for those of others", async () => {
  const { connect, times } = createService();
  const first = await connect("a");
  await times(rpcLimits.connectionsPerHub - 1, "A");
  assert.equal(await connect("a"), "tooManyConnections");
  await times(rpcLimits.connectionsPerHub, "B");
  await times(rpcLimits.connectionsPerHub, "C");
  assert.equal(await connect("D"), "tooManyConnections");
  await times(rpcLimits.connections - rpcLimits.hubConnections, "");
  assert.equal(await connect(""), "tooManyConnections");
  assert.ok(typeof first === "object");
  first.closed();
  first.closed();
  await times(1, "D");
  assert.equal(await connect("A"), "tooManyConnections");
});
