import assert from "node:assert/strict";
import { passwordLimits, rpcLimits } from "../../../server/limits.ts";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { AdminService } from "../../../server/admin/admin-service.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import { ManualClock, neverGone } from "../access/manual-clock.ts";
import { PasswordThrottle } from "../../../server/access/password-throttle.ts";
import { hashHubPassword } from "../../../server/config/sections/hub-config.ts";
import { packProtocolLimits } from "../../../server/limits.ts";
import type { ServerSettings } from "../../../server/settings/server-settings.ts";
import { decodePack, encodePack, Pack } from "../../../server/wire/pack.ts";
import { hashAdminPassword, secureResponse } from "../../../server/wire/sha0.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

const challenge = Buffer.alloc(20, 7);

/** A server whose password is "secret", with hub "Hub" and its "hub", and administrators who are connected. */
async function createServer() {
  const administration = new TestAdministration([hubOf({ name: "Hub" })]);
  await administration.update((all) => ({ ...all, hashedPassword: hashAdminPassword("secret") }));
  let review = () => {};
  const { update } = administration;
  // As the running server does after each change.
  administration.update = async (change: (settings: ServerSettings) => ServerSettings) => {
    const settings = await update(change);
    review();
    return settings;
  };
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (method, fault) => assert.fail(`${method}: ${String(fault)}`),
  });
  const log: string[] = [];
  const denied = new Set<string>();
  const clock = new ManualClock();
  const service = new AdminService({
    settings: administration.settings,
    dispatcher,
    admits: (address) => !denied.has(address),
    throttle: new PasswordThrottle(clock),
    tell: (_hubName, text) => log.push(text),
  });
  review = () => service.review();
  const login = (hubName: string, password: string) => {
    const pack = new Pack()
      .addStr("hubname", hubName)
      .addStr("client_str", "test")
      .addData("secure_password", secureResponse(hashAdminPassword(password), challenge));
    const peer = { address: "192.0.2.1", port: 1 };
    return service.answer({ pack, challenge, peer, connectionName: "CID-1", gone: neverGone } as never);
  };
  const connect = async (hubName = "", password = "secret") => {
    const answer = await login(hubName, password);
    assert.ok(answer.type === "administer", JSON.stringify(answer));
    const replies: Pack[] = [];
    const state = { closed: false };
    const rpc = answer.attach({
      name: "CID-1",
      hold: () => {},
      goOn: () => {},
      send: (bytes, sent) => {
        replies.push(decodePack(bytes.subarray(4), packProtocolLimits));
        sent();
      },
      close: () => {
        state.closed = true;
        rpc?.closed();
      },
    });
    const ask = async (method: string, fill: (pack: Pack) => Pack = (pack) => pack) => {
      const bytes = encodePack(fill(new Pack().addStr("function_name", method)));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      const before = replies.length;
      rpc?.receive(Buffer.concat([length, bytes]));
      for (let turn = 0; turn < 10; turn++) await setImmediate();
      return replies.length > before ? replies.at(-1) : undefined;
    };
    return { ask, state };
  };
  return { administration, connect, login, denied, log, pass: (ms: number) => clock.pass(ms) };
}

const setPassword = (password: string) => (pack: Pack) =>
  pack.addData("HashedPassword", hashAdminPassword(password));

describe("an administrator's connection", () => {
  test("ends with the password that it proved, but for the one that set another", async () => {
    const { connect, log } = await createServer();
    const [own, other, ofHub] = [await connect(), await connect(), await connect("Hub", "hub")];
    const reply = await own.ask("SetServerPassword", setPassword("new"));
    assert.equal(reply?.int("error"), 0);
    assert.deepEqual([own.state.closed, other.state.closed, ofHub.state.closed], [false, true, false]);
    assert.ok(await own.ask("GetServerInfo"), "it goes on");
    assert.match(
      log.at(-1) ?? "",
      /"CID-1" from 192\.0\.2\.1 ended, administrator of the server: the password/,
    );
    await (await connect("", "new")).ask("SetServerPassword", setPassword("newer"));
    assert.equal(own.state.closed, true, "until somebody else sets one");
  });

  test("ends with the hub, and is none of a hub that is made anew", async () => {
    const { connect, administration } = await createServer();
    const ofHub = await connect("Hub", "hub");
    const server = await connect();
    await administration.update((all) => ({ ...all, hubs: [] }));
    assert.deepEqual([ofHub.state.closed, server.state.closed], [true, false]);
    await administration.update((all) => ({ ...all, hubs: [hubOf({ name: "Hub" })] }));
    assert.equal(await ofHub.ask("EnumUser", (pack) => pack.addStr("HubName", "Hub")), undefined);
  });

  test("ends with the hub's password, however it was changed", async () => {
    const { connect, administration } = await createServer();
    const ofHub = await connect("Hub", "hub");
    await administration.update((all) => ({
      ...all,
      hubs: all.hubs.map((hub) => ({ ...hub, online: false })),
    }));
    assert.equal(ofHub.state.closed, false, "a hub that is offline has its administrator");
    await administration.update((all) => ({
      ...all,
      hubs: all.hubs.map((hub) => ({ ...hub, ...hashHubPassword("new") })),
    }));
    assert.equal(ofHub.state.closed, true);
  });

  test("ends at the next call when the address may not administer any more", async () => {
    const { connect, denied, log } = await createServer();
    const own = await connect();
    denied.add("192.0.2.1");
    assert.equal(await own.ask("SetServerPassword", setPassword("new")), undefined);
    assert.equal(own.state.closed, true);
    assert.match(log.at(-1) ?? "", /adminip\.txt/);
  });

  test("gives its place to another when it ends", async () => {
    const { connect, administration } = await createServer();
    for (let index = 0; index < rpcLimits.connectionsPerHub; index++) await connect("Hub", "hub");
    await administration.update((all) => ({ ...all, hubs: [] }));
    for (let index = 0; index < rpcLimits.connections; index++) await connect();
  });
});

describe("a login that waits", () => {
  test("is held against the password that there is when its turn comes", async () => {
    const { login, administration, pass } = await createServer();
    for (let index = 0; index <= passwordLimits.freeFailures; index++) await login("", "wrong");
    const answer = login("", "secret");
    await administration.update((all) => ({ ...all, hashedPassword: hashAdminPassword("new") }));
    pass(passwordLimits.longestDelayMs);
    assert.deepEqual(await answer, { type: "error", error: "accessDenied" });
  });
});
