import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RpcName } from "../../../server/admin/definitions.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import { checkDesiredState } from "../../../server/desired/desired-state.ts";
import { nameLimits } from "../../../server/limits.ts";
import { hubOf, userOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

type Kind = "user" | "group" | "hub";

/** Names with what may have them, as the official server (5.01.9674) answers `CreateUser`, `CreateGroup` and `CreateHub`. */
const names: readonly (readonly [name: string, allowed: readonly Kind[]])[] = [
  ["alice", ["user", "group", "hub"]],
  ["a b", ["user", "group", "hub"]],
  ["a.b", ["user", "group", "hub"]],
  ["A-_#%&()", ["user", "group", "hub"]],
  ["localbridge2", ["user", "group", "hub"]],
  ["x".repeat(255), ["user", "group", "hub"]],
  ["a@b", ["user"]],
  [".a", ["user", "group"]],
  ["a.", ["user", "group"]],
  ...["administrator", "Administrator", "SecureNAT", "link", "LINK", "L3SW_a", "l3sw_b", "Cascade"].map(
    (name) => [name, ["group", "hub"]] as const,
  ),
  ...["Local Bridge", "LOCALBRIDGE"].map((name) => [name, ["group", "hub"]] as const),
  ...["alice!", "ä", "日本", "a/b", "a'b", "a,b", "~n~", "", " ", "a\tb"].map((name) => [name, []] as const),
];

const userFields = { AuthType_u32: 1, Auth_Password_str: "x" };
const calls: Readonly<Record<Kind, (name: string) => readonly [RpcName, object]>> = {
  user: (name) => ["CreateUser", { HubName_str: "OWN", Name_str: name, ...userFields }],
  group: (name) => ["CreateGroup", { HubName_str: "OWN", Name_str: name }],
  hub: (name) => ["CreateHub", { HubName_str: name }],
};
const desired: Readonly<Record<Kind, (name: string) => object>> = {
  user: (name) => ({ hubs: [{ name: "OWN", users: [{ name, password: "x" }] }] }),
  group: (name) => ({ hubs: [{ name: "OWN", groups: [{ name }] }] }),
  hub: (name) => ({ hubs: [{ name }] }),
};

function createServer(hub: Parameters<typeof hubOf>[0] = {}) {
  const administration = new TestAdministration([hubOf({ ...hub, name: "OWN" })]);
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (method, fault) => assert.fail(`${method}: ${String(fault)}`),
  });
  return (method: RpcName, params: object) =>
    dispatcher.callJson(method, params, {
      administrator: { type: "server" },
      peerAddress: "192.0.2.1",
      connectionName: "CID-1",
    });
}

describe("a name", () => {
  for (const [name, allowed] of names) {
    for (const kind of ["user", "group", "hub"] as const) {
      const may = allowed.includes(kind);
      test(`${JSON.stringify(name.slice(0, 20))} ${may ? "may" : "may not"} be that of a ${kind}, however it is made`, async () => {
        const answer = await createServer()(...calls[kind](name));
        assert.equal(answer.type === "error" ? answer.error : "none", may ? "none" : "invalidParameter");
        assert.equal(checkDesiredState(desired[kind](name)).problems.length === 0, may);
      });
    }
  }

  test("is taken without the blanks around it by an RPC, as the official server has it", async () => {
    const ask = createServer();
    for (const kind of ["user", "group", "hub"] as const) {
      const answer = await ask(...calls[kind](" Bob "));
      const field = kind === "hub" ? "HubName_str" : "Name_str";
      assert.ok(answer.type === "reply");
      assert.equal((answer.reply as Record<string, unknown>)[field], "Bob");
    }
    const again = await ask(...calls.user("BOB"));
    assert.equal(again.type === "error" && again.error, "userExists");
  });

  test("keeps what only looks like a blank, and is refused for it", async () => {
    for (const name of ["a\n", "\u00a0a", "a\u3000", "\u2003a", "\ufeffa"]) {
      for (const kind of ["user", "group", "hub"] as const) {
        const answer = await createServer()(...calls[kind](name));
        assert.equal(answer.type === "error" && answer.error, "invalidParameter", JSON.stringify(name));
      }
    }
  });

  test("that a configuration has is that of a user who can be changed and deleted", async () => {
    const ask = createServer({ users: [userOf("alice!")] });
    for (const method of ["SetUser", "DeleteUser"] as const) {
      const answer = await ask(method, { HubName_str: "OWN", Name_str: "alice!", ...userFields });
      assert.equal(answer.type, "reply", method);
    }
  });
});

describe("a text that is only shown", () => {
  const most = nameLimits.textCharacters;

  test("has the same bound by an RPC and in a desired state", async () => {
    for (const [length, may] of [
      [most, true],
      [most + 1, false],
    ] as const) {
      const note = "n".repeat(length);
      for (const field of ["Note_utf", "Realname_utf"]) {
        const [method, params] = calls.user("alice");
        const answer = await createServer()(method, { ...params, [field]: note });
        assert.equal(answer.type === "reply", may, `${field} of ${length}`);
      }
      const users = [{ name: "alice", password: "x", note }];
      assert.equal(checkDesiredState({ hubs: [{ name: "OWN", users }] }).problems.length === 0, may);
    }
  });

  test("stays where it is longer already, and may not become another that is", async () => {
    const note = "n".repeat(most + 1);
    const ask = createServer({ users: [userOf("alice", { note })] });
    const set = (text: string) =>
      ask("SetUser", { HubName_str: "OWN", Name_str: "alice", ...userFields, Note_utf: text });
    assert.equal((await set(note)).type, "reply");
    assert.equal((await set(`${note}n`)).type, "error");
  });
});
