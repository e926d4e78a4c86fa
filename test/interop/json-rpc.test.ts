import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Lab } from "../lab/lab.ts";
import { calls, hubPassword, serverPassword } from "./json-rpc/calls.ts";
import type { Outcome } from "./json-rpc/vpnrpc.ts";
import { hubOf, OurServer } from "./support/our-server.ts";
import { SoftEtherProgram } from "./support/softether-program.ts";
import { VpnClient } from "./support/vpn-client.ts";

const port = 5555;
const program = join(import.meta.dirname, "json-rpc/vpnrpc.ts");

interface Answers {
  readonly outcomes: readonly Outcome[];
  readonly refused: unknown;
}

let lab: Lab;
let server: OurServer;
let real: SoftEtherProgram;
let ours: Answers;
let official: Answers;
before(async () => {
  lab = await Lab.create();
  const [ourStation, officialStation] = await Promise.all([lab.station("ours"), lab.station("official")]);
  server = await OurServer.start(ourStation, lab.directory, [hubOf("DEFAULT", [])]);
  real = await SoftEtherProgram.start("vpnserver", officialStation, port);
  // It opens one more by itself, for OpenVPN.
  await real.vpncmd(["/SERVER"], ["ListenerDelete", "1194"]);
  const answersOf = async (on: Pick<SoftEtherProgram, "run">, name: "ours" | "official") =>
    JSON.parse((await on.run(process.execPath, [program, String(port), name])).stdout) as Answers;
  ours = await answersOf(ourStation, "ours");
  official = await answersOf(real, "official");
});
after(() => lab?.dispose());

/**
 * Lists that are as long as a server has something of, and replies that the official server gives in another form than it
 * documents: the message of a hub without the message, and a rule outside of its list.
 */
const ownReplies = new Set([
  ...["GetCaps", "EnumConnection", "EnumEthernet", "EnumLogFile"],
  ...["GetHubMsg", "AddAccess"],
]);
/** Of versions after that of Debian. */
const newerFields = new Set(["DefaultGateway_u32", "DefaultSubnet_u32"]);
/** What each server has of its own. */
const ownFields =
  /Time_dt$|^(Recv|Send)\.|^(Server|Os|Kernel)|Free|Used|Total|Key_u32|_bin$|Num(Login|Session|Mac|Ip|Tcp)|Current|Bytes|String_str|UniqueId|Last|Cert|Weight|Point|Descrption|Password|Ver3|IntValue/;

describe("the official JSON-RPC client vpnrpc", () => {
  for (const [index, { as, method, params, error = 0 }] of calls.entries()) {
    const what = `${index + 1}. ${method} as the administrator of the ${as}${error === 0 ? "" : `: error ${error}`}`;
    test(`${what} ${JSON.stringify(params ?? {}).slice(0, 60)}`, () => {
      const [here, there] = [ours.outcomes[index], official.outcomes[index]];
      assert.deepEqual([here?.method, here?.error], [method, error]);
      assert.equal(there?.error, error, "the official server");
      if (ownReplies.has(method)) return;
      // It leaves out what does not matter for a user of this kind; ours has it, without a value.
      const expected = linesOf(there?.reply);
      const lines = linesOf(here?.reply);
      assert.deepEqual(
        lines.filter((line) => expected.includes(line)),
        expected,
        `of ${lines.join(", ")}`,
      );
    });
  }

  test("is told that a password is wrong", () => {
    assert.match(String(ours.refused), /HTTP Error: 401/);
    assert.equal(ours.refused, official.refused);
  });
});

/** The fields of a reply in their order, a line each, with their values or with their types where each server has its own. */
function linesOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => linesOf(item, `${path}[${index}]`));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .filter(([name]) => !newerFields.has(name))
      .flatMap(([name, field]) => linesOf(field, `${path}.${name}`));
  }
  const name = path.slice(path.lastIndexOf(".") + 1);
  return [`${path}: ${ownFields.test(name) ? typeof value : String(value)}`];
}

describe("curl", () => {
  const curlOn = async (on: Pick<SoftEtherProgram, "run">, path: string, ...options: string[]) => {
    const url = `https://127.0.0.1:${port}${path}`;
    const format = [
      "--silent",
      "--insecure",
      "--max-time",
      "20",
      "--write-out",
      "\n%{http_code} %{content_type}",
    ];
    const { stdout } = await on.run("curl", [...format, ...options, url]);
    const lines = stdout.split("\n");
    return { status: lines.at(-1) ?? "", body: lines.slice(0, -1).join("\n") };
  };
  const curl = (path: string, ...options: string[]) => curlOn(server.station, path, ...options);
  const callOf = (method: string, params: object = {}) =>
    JSON.stringify({ jsonrpc: "2.0", id: "7", method, params });
  const basic = ["--user", `administrator:${serverPassword}`];
  const header = ["--header", `X-VPNADMIN-PASSWORD: ${serverPassword}`];

  test("calls with basic authentication, and with the headers of the official clients", async () => {
    for (const credentials of [basic, header]) {
      const { status, body } = await curl(
        "/api/",
        ...credentials,
        "--data",
        callOf("Test", { IntValue_u32: 5 }),
      );
      assert.equal(status, "200 application/json");
      assert.deepEqual(JSON.parse(body), {
        jsonrpc: "2.0",
        id: "7",
        result: {
          IntValue_u32: 5,
          Int64Value_u64: 0,
          StrValue_str: "5",
          UniStrValue_utf: "",
        },
      });
    }
  });

  test("administers a hub under its name", async () => {
    const create = {
      HubName_str: "CURL",
      AdminPasswordPlainText_str: hubPassword,
      HubType_u32: 0,
      Online_bool: true,
    };
    await curl("/api/", ...basic, "--data", callOf("CreateHub", create));
    const asHub = [
      ["--user", `CURL:${hubPassword}`],
      ["--header", "X-VPNADMIN-HUBNAME: CURL", "--header", `X-VPNADMIN-PASSWORD: ${hubPassword}`],
    ];
    for (const credentials of asHub) {
      const own = await curl("/api/", ...credentials, "--data", callOf("EnumUser", { HubName_str: "CURL" }));
      assert.match(own.body, /"result"/);
      const other = await curl(
        "/api/",
        ...credentials,
        "--data",
        callOf("EnumUser", { HubName_str: "DEFAULT" }),
      );
      assert.match(other.body, /"code": ?52\b/);
    }
  });

  test("gets a method by its name, and the page of the methods", async () => {
    const called = await curl("/api/Test?IntValue_u32=9", ...basic);
    assert.match(called.status, /^200 text\/plain/);
    assert.match(called.body, /"StrValue_str": ?"9"/);
    const page = await curl("/api/", ...basic);
    assert.match(page.status, /^200 text\/html/);
    assert.match(page.body, /EnumUser/);
  });

  test("is refused without the right password, with the form for one", async () => {
    for (const credentials of [
      [],
      ["--user", "administrator:wrong"],
      ["--user", `DEFAULT:${serverPassword}`],
    ]) {
      const { status } = await curl("/api/", ...credentials, "--data", callOf("GetServerInfo"));
      assert.match(status, /^401 /);
    }
  });

  test("is answered with an error for what is no call", async () => {
    for (const [body, code] of [
      ["{", 38],
      ["[]", 38],
      ['{"jsonrpc":"1.0","method":"Test","params":{}}', 38],
      ['{"jsonrpc":"2.0","id":"1","method":"Test"}', 38],
      [callOf("NoSuchMethod"), 33],
    ] as const) {
      const answer = await curl("/api/", ...basic, "--data", body);
      assert.equal(answer.status, "200 application/json");
      assert.match(answer.body, new RegExp(`"code": ?${code}\\b`), body);
    }
  });

  test("tells of a session, and ends it", async () => {
    const client = await VpnClient.start(await lab.station("client"));
    const replies = [];
    for (const [on, address] of [
      [real, real.station.address],
      [server.station, server.address],
    ] as const) {
      const call = async (method: string, params: object = {}) => {
        const data = callOf(method, { HubName_str: "DEFAULT", ...params });
        const { body } = await curlOn(on, "/api/", ...basic, "--data", data);
        const { result } = JSON.parse(body) as { result?: Record<string, unknown> };
        assert.ok(result, `${method}: ${body}`);
        return result;
      };
      const sessions = async () => {
        const { SessionList } = await call("EnumSession");
        return (SessionList as Record<string, unknown>[]).filter(
          ({ Username_str }) => Username_str === "guest",
        );
      };
      await call("CreateUser", { Name_str: "guest", AuthType_u32: 0 });
      await client.connect({ server: address, user: "guest" });
      const [session] = await sessions();
      const Name_str = session?.["Name_str"];
      const status = await call("GetSessionStatus", { Name_str });
      replies.push([session, status].map(kindsOf));
      await call("DeleteSession", { Name_str });
      await client.until("the session to be ended", async () =>
        (await sessions()).every((other) => other["Name_str"] !== Name_str),
      );
      await client.disconnect();
    }
    const [there = [], here = []] = replies;
    // What it leaves out is without a value in ours.
    for (const [index, expected] of there.entries()) {
      assert.deepEqual(
        here[index]?.filter((field) => expected.includes(field)),
        expected,
      );
    }
  });
});

/** The fields of a reply in their order with their types. */
function kindsOf(reply: object | undefined): readonly string[] {
  return Object.entries(reply ?? {}).map(([name, value]) => `${name}: ${typeof value}`);
}
