import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientProgram } from "../../../server/access/client-info.ts";
import type { EntryRequest } from "../../../server/access/entry-request.ts";
import type { HubSettings, UserSettings } from "../../../server/settings/hub-settings.ts";
import { policyNames, type Policy } from "../../../server/settings/policy.ts";
import { admitted, answer, decide, sessionOf, withPolicy, type Case } from "./admission-fixture.ts";
import { groupOf, hubOf, now, policyWith, userOf } from "./login-fixture.ts";

const client = (changed: Partial<ClientProgram>): ClientProgram => ({
  product: "SoftEther VPN Client",
  version: 501,
  build: 9674,
  clientId: 0,
  ...changed,
});

describe("policy of a session", () => {
  const groups = [groupOf("Staff", { MaxUpload: 2 }), groupOf("Bare")];
  const upload = (user: UserSettings) => admitted({ hub: hubOf({ groups }), user }).policy.MaxUpload;

  test("is the user's, or else the group's, or else the default", () => {
    const own = policyWith({ MaxUpload: 1 });
    assert.equal(upload(userOf("a", { policy: own, group: "Staff" })), 1);
    assert.equal(upload(userOf("a", { group: "STAFF" })), 2);
    assert.equal(upload(userOf("a", { group: "Bare" })), 0);
    assert.equal(upload(userOf("a", { group: "gone" })), 0);
    assert.equal(upload(userOf("a")), 0);
  });

  test("is taken over whole, but for bridging, routing and monitoring", () => {
    const granted = policyWith({
      CheckMac: true,
      MaxIP: 3,
      VLanId: 7,
      AutoDisconnect: 60,
      NoSavePassword: true,
    });
    const { policy } = admitted({ user: userOf("alice", { policy: granted }) });
    assert.deepEqual(policy, { ...granted, NoBridge: true, NoRouting: true });
    assert.deepEqual(Object.keys(policy), policyNames);
  });

  test("has the default where a limit that there must be is 0", () => {
    const { policy } = admitted({ user: withPolicy({ MaxConnection: 0, TimeOut: 0 }) });
    assert.deepEqual([policy.MaxConnection, policy.TimeOut], [32, 20]);
  });

  test("of the administrator lets it monitor and send broadcasts", () => {
    const { policy, monitor, userName, group } = admitted({
      user: "administrator",
      request: { userName: "Administrator", monitorMode: true },
    });
    assert.deepEqual([policy.MonitorPort, policy.NoBroadcastLimiter, monitor], [true, true, true]);
    assert.deepEqual([userName, group], ["administrator", undefined]);
  });

  test("comes with the names of user and group as they were made", () => {
    const { userName, group } = admitted({ user: userOf("Alice", { group: "Staff" }) });
    assert.deepEqual([userName, group], ["Alice", "Staff"]);
  });
});

describe("admission of a client", () => {
  const hub = hubOf({ options: { ClientMinimumRequiredBuild: 9000, RequiredClientId: 5 } });

  test("is of the build that the hub takes, or later", () => {
    assert.equal(
      answer({ hub, request: { client: client({ build: 8999, clientId: 5 }) } }),
      "versionInvalid",
    );
    assert.equal(answer({ hub, request: { client: client({ build: 9000, clientId: 5 }) } }), "admitted");
  });

  test("is of the id that the hub takes", () => {
    assert.equal(answer({ hub, request: { client: client({ clientId: 4 }) } }), "clientIdRequired");
    assert.equal(answer({ request: { client: client({ clientId: 4 }) } }), "admitted");
  });

  test("asks no build and no id of what does not call itself a client", () => {
    assert.equal(
      answer({ hub, request: { client: client({ product: "SoftEther VPN Server", build: 1 }) } }),
      "admitted",
    );
    assert.equal(
      answer({ hub, request: { client: client({ product: "my CLIENT", build: 1 }) } }),
      "versionInvalid",
    );
  });
});

describe("admission of a user", () => {
  test("ends when the user expires", () => {
    assert.equal(answer({ user: userOf("alice", { expiresAt: now }) }), "accessDenied");
    assert.equal(answer({ user: userOf("alice", { expiresAt: now - 1 }) }), "accessDenied");
    assert.equal(answer({ user: userOf("alice", { expiresAt: now + 1 }) }), "admitted");
  });

  test("takes a policy that allows access", () => {
    assert.equal(answer({ user: withPolicy({ Access: false }) }), "accessDenied");
    const hub = hubOf({ groups: [groupOf("Out", { Access: false })] });
    assert.equal(answer({ hub, user: userOf("alice", { group: "out" }) }), "accessDenied");
  });

  test("says in the log why it was refused", () => {
    const result = decide({ user: userOf("Alice", { expiresAt: now - 1000 }) });
    assert.ok(result.type === "refused");
    assert.equal(result.reason, 'user "Alice" expired at 2026-06-01T11:59:59.000Z');
  });

  test("tells whether the password may be kept", () => {
    for (const NoSavePassword of [true, false]) {
      const result = decide({ user: withPolicy({ Access: false, NoSavePassword }) });
      assert.ok(result.type === "refused");
      assert.equal(result.noSavePassword, NoSavePassword);
    }
  });
});

describe("monitoring mode", () => {
  test("is for who may and wants to", () => {
    const monitor = (MonitorPort: boolean, monitorMode: boolean) => {
      const result = decide({ user: withPolicy({ MonitorPort }), request: { monitorMode } });
      return result.type === "refused" ? result.error : [result.monitor, result.policy.MonitorPort];
    };
    assert.deepEqual(monitor(true, true), [true, true]);
    assert.deepEqual(monitor(true, false), [false, false]);
    assert.deepEqual(monitor(false, false), [false, false]);
    assert.equal(monitor(false, true), "monitorModeDenied");
  });
});

describe("bridging and routing", () => {
  const modes = (
    granted: Partial<Policy>,
    request: Partial<EntryRequest>,
    address = "192.0.2.9",
  ): string | boolean[] => {
    const result = decide({ user: withPolicy(granted), request, context: { address } });
    return result.type === "refused" ? result.error : [result.policy.NoBridge, result.policy.NoRouting];
  };

  test("are forbidden to a client that does not ask for them", () => {
    assert.deepEqual(modes({}, {}), [true, true]);
  });

  test("are granted as the policy says to a client that asks", () => {
    assert.deepEqual(modes({}, { bridgeMode: true }), [false, false]);
    assert.deepEqual(modes({ NoBridge: true }, { bridgeMode: true }), [true, false]);
    assert.deepEqual(modes({ NoRouting: true }, { bridgeMode: true }), [false, true]);
  });

  test("are refused to a client that asks and may do neither", () => {
    const neither = { NoBridge: true, NoRouting: true };
    assert.equal(modes(neither, { bridgeMode: true }), "bridgeModeDenied");
    assert.equal(modes(neither, { bridgeMode: true }, "127.0.0.1"), "bridgeModeDenied");
    assert.deepEqual(modes(neither, {}), [true, true]);
  });

  test("are granted on this very host", () => {
    assert.deepEqual(modes({ NoBridge: true, NoRouting: true }, {}, "::1"), [false, false]);
  });

  test("are what a server or bridge asks for without saying so", () => {
    for (const product of ["SoftEther VPN Server", "SoftEther VPN bridge"]) {
      assert.deepEqual(modes({}, { client: client({ product }) }), [false, false]);
    }
  });
});

describe("order of the checks", () => {
  test("is the official server's", () => {
    // Everything stands against this login; each step takes one thing away.
    const hubSessions = [sessionOf("alice")];
    let hub = hubOf({ maxSessions: 1, options: { ClientMinimumRequiredBuild: 10_000, RequiredClientId: 5 } });
    let policy: Partial<Policy> = { Access: false, NoBridge: true, NoRouting: true, MultiLogins: 1 };
    let expiresAt: number | undefined = now - 1;
    let request: Partial<EntryRequest> = { monitorMode: true, bridgeMode: true };
    const told = () =>
      answer({
        hub,
        request,
        user: userOf("alice", { policy: policyWith(policy), expiresAt }),
        context: { hubSessions },
      });
    assert.equal(told(), "versionInvalid");
    hub = hubOf({ maxSessions: 1, options: { RequiredClientId: 5 } });
    assert.equal(told(), "clientIdRequired");
    hub = hubOf({ maxSessions: 1 });
    assert.equal(told(), "accessDenied");
    expiresAt = undefined;
    assert.equal(told(), "accessDenied");
    policy = { ...policy, Access: true };
    assert.equal(told(), "monitorModeDenied");
    request = { bridgeMode: true };
    assert.equal(told(), "bridgeModeDenied");
    request = {};
    assert.equal(told(), "tooManyUserSessions");
    policy = {};
    assert.equal(told(), "hubBusy");
    hub = hubOf();
    assert.equal(told(), "admitted");
  });
});

describe("what the server's administrator holds a hub to", () => {
  const policyIn = (adminOptions: HubSettings["adminOptions"], of: Partial<Case> = {}) =>
    admitted({ ...of, hub: hubOf({ adminOptions }) }).policy;

  test("goes before what its administrator grants", () => {
    const granted = withPolicy({ MaxDownload: 9_000_000, MaxUpload: 0, MultiLogins: 2 });
    const limits = { max_bitrates_download: 1_000_000, max_bitrates_upload: 2_000_000, deny_qos: 1 };
    const policy = policyIn({ ...limits, max_multilogins_per_user: 5 }, { user: granted });
    assert.deepEqual(
      [policy.MaxDownload, policy.MaxUpload, policy.NoQoS, policy.MultiLogins],
      [1_000_000, 2_000_000, true, 2],
    );
    assert.deepEqual(policyIn({}, { user: granted }).MaxUpload, 0);
  });

  test("forbids bridging and routing, also to its administrator", () => {
    const bridge: Case = { request: { bridgeMode: true }, user: withPolicy({}) };
    const of = ({ NoBridge, NoRouting }: Policy) => [NoBridge, NoRouting];
    assert.deepEqual(of(policyIn({}, bridge)), [false, false]);
    assert.deepEqual(of(policyIn({ deny_bridge: 1 }, bridge)), [true, false]);
    assert.deepEqual(of(policyIn({ deny_routing: 1 }, bridge)), [false, true]);
    assert.deepEqual(of(policyIn({ deny_bridge: 1 }, { ...bridge, user: "administrator" })), [true, false]);
  });

  test("limits its sessions, whatever it is set to itself", () => {
    const hubSessions = [sessionOf("bob"), sessionOf("carol")];
    const with2 = (maxSessions: number, max_sessions: number, of: Case = {}) =>
      answer({
        ...of,
        hub: hubOf({ maxSessions, adminOptions: { max_sessions } }),
        context: { hubSessions },
      });
    assert.equal(with2(0, 2), "hubBusy");
    assert.equal(with2(9, 2), "hubBusy");
    assert.equal(with2(2, 9), "hubBusy");
    assert.equal(with2(3, 3), "admitted");
    assert.equal(with2(0, 2, { user: "administrator" }), "admitted");
  });

  test("counts clients and bridges apart, where it says so", () => {
    const limits = { max_sessions_client: 1, max_sessions_bridge: 2 };
    const with1 = (adminOptions: HubSettings["adminOptions"], bridges: boolean, bridgeMode: boolean) =>
      answer({
        hub: hubOf({ adminOptions }),
        request: { bridgeMode },
        context: { hubSessions: [sessionOf("bob", { bridges })] },
      });
    const applied = { ...limits, max_sessions_client_bridge_apply: 1 };
    assert.equal(with1(limits, false, false), "admitted");
    assert.equal(with1(applied, false, false), "hubBusy");
    assert.equal(with1(applied, true, false), "admitted");
    assert.equal(with1(applied, false, true), "admitted");
    assert.equal(with1(applied, true, true), "admitted");
    assert.equal(with1({ ...applied, max_sessions_bridge: 0 }, false, true), "hubBusy");
  });
});
