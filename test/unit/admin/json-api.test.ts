import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AdminService } from "../../../server/admin/admin-service.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import { JsonApi, type ApiRequest } from "../../../server/admin/json-api.ts";
import { createHastyClock, neverGone } from "../access/manual-clock.ts";
import { PasswordThrottle } from "../../../server/access/password-throttle.ts";
import { rpcLimits } from "../../../server/limits.ts";
import { hashAdminPassword } from "../../../server/wire/sha0.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
const password = { "x-vpnadmin-password": "secret" };
const testCall = { jsonrpc: "2.0", id: "7", method: "Test", params: { IntValue_u32: 5 } };
const testReply = { Int64Value_u64: 0, IntValue_u32: 5, StrValue_str: "5", UniStrValue_utf: "" };

/** A connection over HTTP that is asked on, or idle. */
function createConnection(isIdle = false) {
  const closed: (() => void)[] = [];
  const state = { isIdle, cut: 0 };
  const connection: ApiRequest["connection"] = {
    close: () => {
      state.cut++;
      for (const callback of closed) callback();
    },
    isIdle: () => state.isIdle,
    onClosed: (callback) => void closed.push(callback),
  };
  return { state, connection };
}

/** A server whose administrator's password is "secret", with hub "Hub" and its "hub". */
async function createApi() {
  const administration = new TestAdministration([hubOf({ name: "Hub" }), hubOf({ name: "Other" })]);
  await administration.update((all) => ({ ...all, hashedPassword: hashAdminPassword("secret") }));
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (method, fault) => assert.fail(`${method}: ${String(fault)}`),
  });
  const log: string[] = [];
  const service = new AdminService({
    settings: administration.settings,
    dispatcher,
    admits: (peerAddress, hubName) => peerAddress !== "198.51.100.1" || hubName === "Hub",
    throttle: new PasswordThrottle(createHastyClock()),
    tell: (_hubName, text) => log.push(text),
  });
  const api = new JsonApi(service, dispatcher, {
    now: () => 1_000,
    settings: administration.settings,
  });
  const limits: number[] = [];
  const ask = (request: Partial<Omit<ApiRequest, "body">> & { readonly body?: unknown }) => {
    const { body = "", ...rest } = request;
    const text = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    return api.answer({
      method: "POST",
      target: "/api/",
      headers: password,
      peerAddress: "192.0.2.1",
      connectionName: "CID-1",
      gone: neverGone,
      connection: createConnection().connection,
      ...rest,
      body: (limitBytes) => {
        limits.push(limitBytes);
        return Promise.resolve(text.length > limitBytes ? undefined : [text]);
      },
    });
  };
  return { ask, limits, log, administration };
}

describe("JSON-RPC over HTTP", () => {
  test("answers a call in the form of the official server", async () => {
    const { ask } = await createApi();
    for (const target of ["/api", "/api/"]) {
      const { status, headers, body } = await ask({ target, body: testCall });
      assert.deepEqual([status, headers["Content-Type"]], [200, "application/json"]);
      assert.equal(headers["Connection"], undefined);
      assert.equal(body, JSON.stringify({ result: testReply, jsonrpc: "2.0", id: "7" }));
    }
  });

  const malformed: readonly [body: unknown, id: string, code: number, message: string][] = [
    ["{", "0", 38, "JSON-RPC Parse Error"],
    ["[]", "0", 38, "JSON-RPC Parse Error"],
    ["", "0", 38, "JSON-RPC Parse Error"],
    [{ ...testCall, jsonrpc: "1.0" }, "0", 38, "JSON-RPC version is invalid"],
    [{ ...testCall, params: undefined }, "7", 38, "JSON-RPC parameter is empty"],
    [{ ...testCall, params: [1] }, "7", 38, "JSON-RPC parameter is empty"],
    [{ ...testCall, id: 7, method: "None" }, "0", 33, "The server does not support this."],
    [{ ...testCall, method: 5 }, "7", 33, "The server does not support this."],
    [
      { ...testCall, params: { IntValue_u32: -1 } },
      "7",
      38,
      "IntValue_u32: -1 is not a whole number from 0 to 4294967295",
    ],
  ];
  for (const [request, id, code, text] of malformed) {
    test(`answers ${code} to ${JSON.stringify(request)}`, async () => {
      const { ask } = await createApi();
      const { status, body } = await ask({ body: request });
      const error = { code, message: `Error code ${code}: ${text}` };
      assert.deepEqual([status, JSON.parse(body)], [200, { error, jsonrpc: "2.0", id }]);
    });
  }

  const welcome: readonly [headers: ApiRequest["headers"], hub: string | undefined][] = [
    [password, undefined],
    [{ ...password, "x-vpnadmin-hubname": "" }, undefined],
    [{ ...password, "x-vpnadmin-hubname": "Administrator" }, undefined],
    [basic("administrator:secret"), undefined],
    [basic(":secret"), undefined],
    [{ ...basic("administrator:wrong"), ...password }, undefined],
    [{ "x-vpnadmin-hubname": "HUB", "x-vpnadmin-password": "hub" }, "Hub"],
    [basic("hub:hub"), "Hub"],
  ];
  for (const [headers, hub] of welcome) {
    test(`lets ${JSON.stringify(headers)} in as administrator of ${hub ?? "the server"}`, async () => {
      const { ask } = await createApi();
      const { status, body } = await ask({ headers, body: { ...testCall, method: "EnumHub", params: {} } });
      assert.equal(status, 200);
      const { HubList } = (JSON.parse(body) as { result: { HubList: { HubName_str: string }[] } }).result;
      assert.deepEqual(
        HubList.map(({ HubName_str }) => HubName_str),
        hub === undefined ? ["Hub", "Other"] : [hub],
      );
    });
  }

  const unwelcome: readonly ApiRequest["headers"][] = [
    {},
    { "x-vpnadmin-password": "wrong" },
    { "x-vpnadmin-password": "" },
    { "x-vpnadmin-password": ["secret", "secret"] },
    { "x-vpnadmin-hubname": "Hub", "x-vpnadmin-password": "secret" },
    { "x-vpnadmin-hubname": "None", "x-vpnadmin-password": "secret" },
    basic("administrator:wrong"),
    basic("administrator"),
    { authorization: "Basic %" },
    { authorization: "Bearer secret" },
  ];
  for (const headers of unwelcome) {
    test(`asks ${JSON.stringify(headers)} for a password, and reads nothing of it`, async () => {
      const { ask, limits, log } = await createApi();
      const { status, headers: answered, body } = await ask({ headers, body: testCall });
      assert.equal(status, 401);
      assert.match(answered["WWW-Authenticate"] ?? "", /^Basic realm="/);
      assert.equal(answered["Connection"], "close");
      assert.deepEqual(limits, []);
      assert.ok(!body.includes("result") && !log.join("\n").includes("secret"));
    });
  }

  test("gives each connection a place of its administrator, which idle ones make room for", async () => {
    const { ask } = await createApi();
    const asHub = { headers: { "x-vpnadmin-hubname": "Hub", "x-vpnadmin-password": "hub" }, body: testCall };
    const connections = Array.from({ length: rpcLimits.connectionsPerHub }, () => createConnection());
    for (const { connection } of connections) {
      // As often as it likes.
      for (let call = 0; call < 3; call++) assert.equal((await ask({ ...asHub, connection })).status, 200);
    }
    const more = createConnection();
    const refused = await ask({ ...asHub, connection: more.connection });
    assert.deepEqual([refused.status, refused.headers["Retry-After"]], [503, "1"]);
    assert.equal(refused.headers["Connection"], "close");
    const others = {
      headers: { "x-vpnadmin-hubname": "Other", "x-vpnadmin-password": "hub" },
      body: testCall,
    };
    assert.equal((await ask({ ...others, connection: createConnection().connection })).status, 200);
    assert.equal((await ask({ body: testCall })).status, 200);
    const [, idle] = connections;
    assert.ok(idle);
    idle.state.isIdle = true;
    assert.equal((await ask({ ...asHub, connection: more.connection })).status, 200);
    assert.deepEqual(
      connections.map(({ state }) => state.cut),
      connections.map((each) => Number(each === idle)),
    );
    connections[0]?.connection.close();
    assert.equal((await ask({ ...asHub, connection: createConnection().connection })).status, 200);
  });

  test("a connection whose next request is of another administrator takes another place", async () => {
    const { ask } = await createApi();
    const asHub = (name: string) => ({
      headers: { "x-vpnadmin-hubname": name, "x-vpnadmin-password": "hub" },
      body: testCall,
    });
    for (let index = 0; index < rpcLimits.connectionsPerHub; index++) {
      const { connection } = createConnection();
      assert.equal((await ask({ ...asHub("Hub"), connection })).status, 200);
      assert.equal((await ask({ ...asHub("Other"), connection })).status, 200);
    }
    assert.equal((await ask(asHub("Hub"))).status, 200);
    assert.equal((await ask(asHub("Other"))).status, 503);
  });

  test("answers GET of a method with its fields in the query, and of /api/ with a page", async () => {
    const { ask } = await createApi();
    const call = await ask({ method: "GET", target: "/api/Test?IntValue_u32=5" });
    assert.equal(call.headers["Content-Type"], "text/plain; charset=UTF-8");
    assert.deepEqual(JSON.parse(call.body), { result: testReply, jsonrpc: "2.0", id: "1000" });
    const page = await ask({ method: "GET" });
    assert.match(page.headers["Content-Type"] ?? "", /^text\/html/);
    assert.match(page.body, /GetServerInfo/);
  });

  test("changes nothing by GET, whatever the case of the method", async () => {
    const { ask, administration } = await createApi();
    for (const name of [
      "CreateUser",
      "createuser",
      "SETSERVERPASSWORD",
      "DeleteHub",
      "RebootServer",
      "Flush",
    ]) {
      const target = `/api/${name}?HubName_str=Hub&Name_str=mallory&AuthType_u32=0&PlainTextPassword_str=x`;
      const { status, headers, body } = await ask({ method: "GET", target });
      assert.deepEqual([status, headers["Allow"]], [405, "POST"], name);
      assert.match(body, /"code":33,.*GET reads only.*by POST/, name);
    }
    assert.equal(administration.settings().hubs[0]?.users.size, 0);
    assert.deepEqual(administration.settings().hashedPassword, hashAdminPassword("secret"));
  });

  const change = { ...testCall, method: "SetHubOnline", params: { HubName_str: "Hub", Online_bool: false } };
  const json = "application/json; charset=utf-8";
  const form = "application/x-www-form-urlencoded";
  const own = { host: "vpn.example:5555", origin: "https://vpn.example:5555" };
  /** Requests for a change with Basic credentials, and how they are answered. */
  const requests: readonly (readonly [headers: ApiRequest["headers"], status: number])[] = [
    [{ "content-type": json }, 200],
    [{ "content-type": form }, 200],
    [{}, 200],
    [{ "content-type": json, ...own }, 200],
    [{ "content-type": json, ...own, "sec-fetch-site": "same-origin" }, 200],
    [{ "content-type": json, "sec-fetch-site": "none" }, 200],
    [{ "content-type": json, ...own, origin: "https://evil.example" }, 403],
    [{ "content-type": json, ...own, origin: "https://vpn.example" }, 403],
    [{ "content-type": json, ...own, origin: "http://vpn.example:5555" }, 403],
    [{ "content-type": json, ...own, origin: "null" }, 403],
    [{ "content-type": json, ...own, origin: "" }, 403],
    [{ "content-type": json, origin: "https://vpn.example" }, 403],
    [{ "content-type": json, "sec-fetch-site": "cross-site" }, 403],
    [{ "content-type": json, ...own, "sec-fetch-site": "same-site" }, 403],
    [{ "content-type": "text/plain", ...own, origin: "https://evil.example" }, 403],
    [{ "content-type": "text/plain" }, 415],
    [{ "content-type": "multipart/form-data; boundary=x" }, 415],
    [{ "content-type": `${form}, ${json}` }, 415],
    [{ "content-type": form, ...own }, 415],
    [own, 415],
    [{ "content-type": form, "sec-fetch-site": "same-origin" }, 415],
  ];
  for (const [headers, expected] of requests) {
    test(`answers ${expected} to a change with ${JSON.stringify(headers)}`, async () => {
      const { ask, administration } = await createApi();
      const all = { ...basic("administrator:secret"), ...headers };
      assert.equal((await ask({ headers: all, body: change })).status, expected);
      assert.equal(administration.settings().hubs[0]?.online, expected !== 200);
    });
  }

  test("answers no page of another site, but one that links to the page of the methods", async () => {
    const { ask } = await createApi();
    const foreign = { ...basic(":secret"), "sec-fetch-site": "cross-site" };
    assert.equal((await ask({ method: "GET", target: "/api/EnumHub", headers: foreign })).status, 403);
    assert.equal((await ask({ method: "GET", headers: foreign })).status, 200);
    for (const method of ["GET", "POST", "OPTIONS"]) {
      const { headers } = await ask({ method, body: testCall });
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith("Access-Control-")),
        [],
      );
      assert.match(headers["Content-Security-Policy"] ?? "", /frame-ancestors 'none'/);
    }
  });

  test("takes no page under a name that leads here for the host itself, where no password is set", async () => {
    const { ask, administration } = await createApi();
    await administration.update((all) => ({ ...all, hashedPassword: hashAdminPassword("") }));
    const statusOf = async (headers: ApiRequest["headers"]) => {
      const call = { peerAddress: "127.0.0.1", headers: { "x-vpnadmin-password": "", ...headers } };
      return (await ask({ ...call, body: testCall })).status;
    };
    const rebound = { host: "evil.example:5555", origin: "https://evil.example:5555" };
    assert.equal(await statusOf(rebound), 403);
    assert.equal(await statusOf({ host: "evil.example", "sec-fetch-site": "same-origin" }), 403);
    for (const host of ["127.0.0.1:5555", "[::1]:5555", "localhost", "LOCALHOST:443"]) {
      assert.equal(await statusOf({ host, origin: `https://${host}` }), 200, host);
    }
    assert.equal(await statusOf({ host: "evil.example:5555" }), 200, "a program");
  });

  test("does nothing by a password that became another while the request came in", async () => {
    const { ask, administration } = await createApi();
    let asked = false;
    const answer = await ask({
      get body() {
        if (!asked)
          void administration.update((all) => ({ ...all, hashedPassword: hashAdminPassword("new") }));
        asked = true;
        return change;
      },
    });
    assert.equal(answer.status, 401);
    assert.equal(administration.settings().hubs[0]?.online, true);
  });

  test("answers JSON that is deeper than any call with an error, and not with a fault", async () => {
    const { ask } = await createApi();
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    for (const value of [deep, `{"a":${deep}}`, '"\\"[[[["', '{"a":"[[[[[[[[[[[[[[[[[[[[["}']) {
      const text = `{"jsonrpc":"2.0","id":"1","method":"Test","params":{"IntValue_u32":${value}}}`;
      assert.equal(
        (JSON.parse((await ask({ body: text })).body) as { error: { code: number } }).error.code,
        38,
      );
    }
  });

  test("tells without a password what may be asked, and refuses what may not", async () => {
    const { ask } = await createApi();
    const options = await ask({ method: "OPTIONS", headers: {} });
    assert.deepEqual(
      [options.status, options.headers["Allow"], options.headers["Connection"], options.body],
      [200, "OPTIONS, GET, POST", "close", ""],
    );
    assert.equal((await ask({ method: "PUT" })).status, 405);
    assert.equal((await ask({ target: "/api/x/y" })).status, 404);
    for (const target of ["/apix", "//[", "*"]) assert.equal((await ask({ target })).status, 404);
  });

  test("is not there where the configuration switches it off, for nobody and by no method", async () => {
    const { ask, log, administration } = await createApi();
    await administration.update((all) => ({ ...all, access: { ...all.access, jsonApi: false } }));
    for (const method of ["POST", "GET", "OPTIONS", "PUT"]) {
      for (const target of ["/api", "/api/", "/api/Test"]) {
        assert.equal((await ask({ method, target, body: testCall })).status, 404);
      }
    }
    assert.deepEqual(log, []);
  });

  test("lets no administrator in from where none may come, whatever the password", async () => {
    const { ask, log } = await createApi();
    const peerAddress = "198.51.100.1";
    assert.equal((await ask({ peerAddress, body: testCall })).status, 401);
    assert.equal((await ask({ peerAddress, headers: basic(":wrong") })).status, 401);
    assert.match(log[0] ?? "", /from 198\.51\.100\.1: refused as administrator of the server: adminip\.txt/);
    assert.equal(log.length, 2, "nobody guessed a password");
    const hub = { "x-vpnadmin-hubname": "Hub", "x-vpnadmin-password": "hub" };
    assert.equal((await ask({ peerAddress, headers: hub, body: testCall })).status, 200);
  });

  test("tells who does not know the password in the words that fail2ban looks for", async () => {
    const { ask, log } = await createApi();
    await ask({ headers: basic(":wrong") });
    await ask({ headers: basic("root:wrong") });
    await ask({ headers: {} });
    await ask({ body: testCall });
    assert.deepEqual(
      log.filter((line) => line.startsWith("Connection")),
      ["administrator", "root"].map(
        (name) =>
          `Connection "CID-1": User authentication failed. The user name that has been provided was "${name}", from 192.0.2.1.`,
      ),
    );
  });

  test("reads of a hub's administrator less than of the server's", async () => {
    const { ask, limits } = await createApi();
    await ask({ body: testCall });
    const hub = { "x-vpnadmin-hubname": "Hub", "x-vpnadmin-password": "hub" };
    const { status } = await ask({ headers: hub, body: " ".repeat(rpcLimits.hubRequestBytes + 1) });
    assert.deepEqual([status, limits], [413, [rpcLimits.requestBytes, rpcLimits.hubRequestBytes]]);
  });
});
