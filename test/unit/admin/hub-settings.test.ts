import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RpcName } from "../../../server/admin/definitions.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import type { Administrator } from "../../../server/admin/rpc.ts";
import { adminOptionNames } from "../../../server/settings/admin-options.ts";
import { defaultHubOptions, type HubSettings } from "../../../server/settings/hub-settings.ts";
import { defaultKeptOptions } from "../../../server/settings/kept-options.ts";
import { hashAdminPassword, hashPassword } from "../../../server/wire/sha0.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

const server: Administrator = { type: "server" };
const ofHub: Administrator = { type: "hub", hubName: "OWN" };

type Json = Readonly<Record<string, unknown>>;

/** A server with the hub OWN, which is asked as JSON-RPC clients do. */
function createServer(changed: Parameters<typeof hubOf>[0] = {}) {
  const administration = new TestAdministration([hubOf({ ...changed, name: "OWN" })]);
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (method, fault) => assert.fail(`${method}: ${String(fault)}`),
  });
  const ask = async (method: RpcName, params: Json, administrator = server, peerAddress = "192.0.2.1") => {
    const call = { administrator, peerAddress, connectionName: "CID-1" };
    return dispatcher.callJson(method, { HubName_str: "OWN", ...params }, call);
  };
  return {
    hub: () => administration.settings().hubs[0] as HubSettings,
    /** The reply to what is not refused. */
    get: async (method: RpcName, params: Json = {}, ...rest: [Administrator?, string?]) => {
      const answer = await ask(method, params, ...rest);
      assert.ok(answer.type === "reply", `${method}: ${JSON.stringify(answer)}`);
      return answer.reply as Json;
    },
    errorOf: async (method: RpcName, params: Json = {}, ...rest: [Administrator?, string?]) => {
      const answer = await ask(method, params, ...rest);
      return answer.type === "error" ? answer.error : "none";
    },
  };
}

const itemsOf = (reply: Json) =>
  Object.fromEntries(
    (reply.AdminOptionList as { Name_str: string; Value_u32: number }[]).map((item) => [
      item.Name_str,
      item.Value_u32,
    ]),
  );
const optionList = (options: Readonly<Record<string, number>>) => ({
  AdminOptionList: Object.entries(options).map(([Name_str, Value_u32]) => ({ Name_str, Value_u32 })),
});

describe("the extended options of a hub", () => {
  test("are all those that it has, but for what SetHub sets", async () => {
    const { get } = createServer();
    const ofSecureNat = {
      DisableKernelModeSecureNAT: false,
      DisableUserModeSecureNAT: false,
      SecureNAT_MaxTcpSessionsPerIp: 0,
      SecureNAT_MaxTcpSynSentPerIp: 0,
      SecureNAT_MaxUdpSessionsPerIp: 0,
      SecureNAT_MaxDnsSessionsPerIp: 0,
      SecureNAT_MaxIcmpSessionsPerIp: 0,
    };
    const { NoEnum: _ofSetHub, ...options } = { ...defaultHubOptions, ...defaultKeptOptions, ...ofSecureNat };
    const expected = Object.entries(options).map(([name, value]) => [name, Number(value)]);
    assert.deepEqual(itemsOf(await get("GetHubExtOptions")), Object.fromEntries(expected));
  });

  test("are set by their names, in whatever case, and the others stay", async () => {
    const { get, hub } = createServer({ options: { FilterPPPoE: true } });
    const list = { filteripv6: 1, ADJUSTTCPMSSVALUE: 1400, NoSuchOption: 1, NoEnum: 1 };
    await get("SetHubExtOptions", optionList(list), ofHub);
    assert.deepEqual(hub().options, {
      ...defaultHubOptions,
      FilterPPPoE: true,
      FilterIPv6: true,
      NoEnum: true,
    });
    assert.deepEqual(hub().keptOptions, { ...defaultKeptOptions, AdjustTcpMssValue: 1400 });
  });

  test("of SecureNAT change it alone, and nothing where they are as before", async () => {
    const { get, hub } = createServer();
    const { secureNat } = hub();
    await get("SetHubExtOptions", optionList({ SecureNAT_MaxTcpSessionsPerIp: 0, NoEnum: 1 }), ofHub);
    assert.equal(hub().secureNat, secureNat);
    const list = { disablekernelmodesecurenat: 1, SecureNAT_MaxIcmpSessionsPerIp: 7 };
    await get("SetHubExtOptions", optionList(list), ofHub);
    const perClient = { ...secureNat.nat.perClient, ping: 7 };
    assert.deepEqual(hub().secureNat, {
      ...secureNat,
      nat: { ...secureNat.nat, byKernel: false, perClient },
    });
    const items = itemsOf(await get("GetHubExtOptions"));
    assert.deepEqual([items["DisableKernelModeSecureNAT"], items["SecureNAT_MaxIcmpSessionsPerIp"]], [1, 7]);
  });

  test("are no more than 4,096 in a request", async () => {
    const many = { AdminOptionList: Array.from({ length: 4097 }, () => ({ Name_str: "x", Value_u32: 1 })) };
    assert.notEqual(await createServer().errorOf("SetHubExtOptions", many), "none");
    assert.notEqual(await createServer().errorOf("SetHubAdminOptions", many), "none");
  });
});

describe("the administration options of a hub", () => {
  test("are all told, and are 0 where nothing was set", async () => {
    const { get } = createServer({ adminOptions: { max_users: 7 } });
    const zeros = Object.fromEntries(adminOptionNames.map((name) => [name, 0]));
    assert.deepEqual(itemsOf(await get("GetHubAdminOptions", {}, ofHub)), { ...zeros, max_users: 7 });
    assert.deepEqual(itemsOf(await get("GetDefaultHubAdminOptions")), zeros);
  });

  test("are replaced as a whole", async () => {
    const { get, hub } = createServer({ adminOptions: { max_users: 7, no_change_msg: 1 } });
    await get("SetHubAdminOptions", optionList({ MAX_USERS: 8, max_groups: 0, unknown: 1 }));
    assert.deepEqual(hub().adminOptions, { max_users: 8 });
  });

  test("are changed by the hub's administrator only where they allow it", async () => {
    const change = optionList({ max_users: 9 });
    const kept = createServer({ adminOptions: { max_users: 7 } });
    assert.equal(await kept.errorOf("SetHubAdminOptions", change, ofHub), "notEnoughRights");
    assert.deepEqual(kept.hub().adminOptions, { max_users: 7 });
    const free = createServer({ adminOptions: { allow_hub_admin_change_option: 1 } });
    await free.get("SetHubAdminOptions", change, ofHub);
    assert.deepEqual(free.hub().adminOptions, { max_users: 9 });
  });

  test("limit how much there is in the hub", async () => {
    const { get, errorOf } = createServer({
      adminOptions: { max_users: 1, max_groups: 1, max_accesslists: 1 },
    });
    await get("CreateUser", { Name_str: "a" });
    assert.equal(await errorOf("CreateUser", { Name_str: "b" }), "tooManyUsers");
    await get("CreateGroup", { Name_str: "a" });
    assert.equal(await errorOf("CreateGroup", { Name_str: "b" }), "tooManyGroups");
    await get("AddAccess", { AccessListSingle: [{}] });
    assert.equal(await errorOf("AddAccess", { AccessListSingle: [{}] }), "tooManyAccessRules");
    assert.equal(await errorOf("SetAccessList", { AccessList: [{}, {}] }, ofHub), "tooManyAccessRules");
  });

  test("take delays out of rules", async () => {
    const { get, hub } = createServer({ adminOptions: { no_delay_jitter_packet_loss: 1 } });
    await get("AddAccess", { AccessListSingle: [{ Delay_u32: 5, Jitter_u32: 6, Loss_u32: 7 }] });
    const [rule] = hub().accessList;
    assert.deepEqual([rule?.delayMs, rule?.jitterPercent, rule?.lossPercent], [0, 0, 0]);
  });
});

describe("SetHub by the hub's administrator", () => {
  const password = (text: string) => ({
    HashedPassword_bin: Buffer.from(hashAdminPassword(text)).toString("base64"),
    SecurePassword_bin: Buffer.from(hashPassword(text, "administrator")).toString("base64"),
    Online_bool: true,
  });

  test("changes no password where no_change_admin_password forbids it", async () => {
    const { get, errorOf } = createServer({ adminOptions: { no_change_admin_password: 1 } });
    assert.equal(await errorOf("SetHub", password("new"), ofHub), "notEnoughRights");
    await get("SetHub", { Online_bool: true, MaxSession_u32: 3 }, ofHub);
    await get("SetHub", password("new"));
  });

  test("sets an empty password from this host only", async () => {
    const { get, errorOf } = createServer();
    assert.equal(await errorOf("SetHub", password(""), ofHub), "invalidParameter");
    await get("SetHub", password(""), ofHub, "127.0.0.1");
    await get("SetHub", password(""), server);
  });

  test("leaves the hub on where no_offline forbids otherwise", async () => {
    const { get, hub } = createServer({ adminOptions: { no_offline: 1 } });
    await get("SetHub", { Online_bool: false, MaxSession_u32: 3 }, ofHub);
    assert.deepEqual([hub().online, hub().maxSessions], [true, 3]);
    await get("SetHub", { Online_bool: false }, server);
    assert.equal(hub().online, false);
  });
});

describe("SetHubLog", () => {
  const change = { SaveSecurityLog_bool: true, SecurityLogSwitchType_u32: 3, PacketLogSwitchType_u32: 0 };

  test("sets when log files turn over, unless the hub's administrator is kept from it", async () => {
    const { get, hub } = createServer({ adminOptions: { no_change_log_switch_type: 1 } });
    await get("SetHubLog", change, ofHub);
    assert.deepEqual([hub().log.securityLogTurnover, hub().log.packetLogTurnover], ["day", "day"]);
    await get("SetHubLog", change);
    assert.deepEqual([hub().log.securityLogTurnover, hub().log.packetLogTurnover], ["hour", "none"]);
    const { SecurityLogSwitchType_u32, PacketLogSwitchType_u32 } = await get("GetHubLog");
    assert.deepEqual([SecurityLogSwitchType_u32, PacketLogSwitchType_u32], [3, 0]);
  });

  test("refuses a cycle that there is not", async () => {
    const error = await createServer().errorOf("SetHubLog", { SecurityLogSwitchType_u32: 6 });
    assert.equal(error, "invalidParameter");
  });
});

describe("the revoked certificates of a hub", () => {
  const serial = Buffer.from("0102", "hex").toString("base64");
  const sha1 = Buffer.alloc(20, 0xab).toString("base64");

  test("are added, told, changed and taken away by a key that stays the same", async () => {
    const { get, errorOf } = createServer();
    await get("AddCrl", { CommonName_utf: "alice", Unit_utf: "Sales", Serial_bin: serial });
    await get("AddCrl", { DigestSHA1_bin: sha1 });
    const list = async () =>
      (await get("EnumCrl")).CRLList as readonly { Key_u32: number; CrlInfo_utf: string }[];
    const [first, second] = await list();
    assert.equal(first?.CrlInfo_utf, 'Subject="CN=alice, OU=Sales", Serial="01 02"');
    assert.equal(second?.CrlInfo_utf, `Subject="", SHA1="${Array(20).fill("AB").join(" ")}"`);
    const { CommonName_utf, Serial_bin } = await get("GetCrl", { Key_u32: first.Key_u32 });
    assert.deepEqual([CommonName_utf, Serial_bin], ["alice", serial]);
    await get("SetCrl", { Key_u32: first.Key_u32, CommonName_utf: "bob" });
    const [changed, same] = await list();
    assert.deepEqual([changed?.CrlInfo_utf, same?.Key_u32], ['Subject="CN=bob"', second.Key_u32]);
    await get("DelCrl", { Key_u32: second.Key_u32 });
    assert.deepEqual(await list(), [changed]);
    for (const method of ["GetCrl", "SetCrl", "DelCrl"] as const) {
      assert.equal(await errorOf(method, { Key_u32: second.Key_u32 }), "notFound", method);
    }
  });

  test("have digests of the right size, since one that is cut off would revoke more", async () => {
    const { errorOf, hub } = createServer();
    for (const name of ["DigestMD5_bin", "DigestSHA1_bin"]) {
      assert.equal(await errorOf("AddCrl", { [name]: "AAAA" }), "invalidParameter", name);
    }
    assert.deepEqual(hub().revokedCertificates, []);
  });
});

describe("the source addresses of a hub", () => {
  const rule = (IpAddress_ip: string, changed: Json = {}) => ({ IpAddress_ip, Priority_u32: 5, ...changed });

  test("are told in the order in which they are tried", async () => {
    const { get } = createServer();
    await get("SetAcList", {
      ACList: [
        rule("2001:db8::", { Deny_bool: true, Masked_bool: true, SubnetMask_ip: "ffff:ffff::" }),
        rule("192.0.2.1", { Priority_u32: 1 }),
        rule("10.0.0.0", { Masked_bool: true, SubnetMask_ip: "255.0.0.0" }),
      ],
    });
    const list = (await get("GetAcList")).ACList as readonly Json[];
    assert.deepEqual(
      list.map((each) => [
        each.Id_u32,
        each.IpAddress_ip,
        each.SubnetMask_ip,
        each.Masked_bool,
        each.Deny_bool,
      ]),
      [
        [1, "192.0.2.1", "0.0.0.0", false, false],
        [2, "10.0.0.0", "255.0.0.0", true, false],
        [3, "2001:db8::", "ffff:ffff::", true, true],
      ],
    );
  });

  test("are refused as a whole when one of them is none", async () => {
    const { errorOf, hub } = createServer();
    for (const bad of [
      rule("no address"),
      rule("10.0.0.0", { Masked_bool: true, SubnetMask_ip: "ffff::" }),
      rule("10.0.0.0", { Masked_bool: true, SubnetMask_ip: "" }),
    ]) {
      assert.equal(await errorOf("SetAcList", { ACList: [rule("192.0.2.1"), bad] }), "invalidParameter");
    }
    assert.deepEqual(hub().sourceAddresses, []);
  });
});

describe("the numbers of a hub's rules", () => {
  const ids = async (get: ReturnType<typeof createServer>["get"]) =>
    ((await get("EnumAccess")).AccessList as readonly Json[]).map((rule) => [rule.Id_u32, rule.Note_utf]);
  const add = (Note_utf: string, Priority_u32: number) => ({
    AccessListSingle: [{ Note_utf, Priority_u32 }],
  });

  test("stay when others are deleted, until a rule comes", async () => {
    const { get, errorOf } = createServer();
    for (const [index, note] of ["a", "b", "c"].entries()) await get("AddAccess", add(note, index * 10 + 10));
    await get("DeleteAccess", { Id_u32: 1 });
    assert.deepEqual(await ids(get), [
      [2, "b"],
      [3, "c"],
    ]);
    assert.equal(await errorOf("DeleteAccess", { Id_u32: 1 }), "notFound");
    await get("DeleteAccess", { Id_u32: 2 });
    assert.deepEqual(await ids(get), [[3, "c"]]);
    await get("AddAccess", add("d", 5));
    assert.deepEqual(await ids(get), [
      [1, "d"],
      [2, "c"],
    ]);
  });
});
