import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIpAddress, type IpAddress } from "../../../server/ethernet/packed-address.ts";
import type { NatEntry } from "../../../server/secure-nat/nat-entry.ts";
import type { RpcName } from "../../../server/admin/definitions.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import type { Administrator } from "../../../server/admin/rpc.ts";
import type { AdminOptions } from "../../../server/settings/admin-options.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

type Json = Readonly<Record<string, unknown>>;
const ofHub: Administrator = { type: "hub", hubName: "OWN" };

function createServer(adminOptions: Partial<AdminOptions> = {}) {
  const administration = new TestAdministration([hubOf({ name: "OWN", adminOptions })]);
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (method, fault) => assert.fail(`${method}: ${String(fault)}`),
  });
  const ask = async (
    method: RpcName,
    params: Json = {},
    administrator: Administrator = { type: "server" },
  ) => {
    const call = { administrator, peerAddress: "192.0.2.1", connectionName: "CID-1" };
    const answer = await dispatcher.callJson(
      method,
      { HubName_str: "OWN", RpcHubName_str: "OWN", ...params },
      call,
    );
    return answer.type === "reply" ? (answer.reply as Json) : { error: answer.error };
  };
  return { administration, ask, settings: () => administration.settings().hubs[0]?.secureNat };
}

describe("SecureNAT by RPC", () => {
  test("is switched on and off, and the hub's state says so", async () => {
    const { ask, settings } = createServer();
    for (const [method, isOn] of [
      ["EnableSecureNAT", true],
      ["EnableSecureNAT", true],
      ["DisableSecureNAT", false],
    ] as const) {
      await ask(method);
      assert.equal(settings()?.enabled, isOn);
      assert.equal((await ask("GetHubStatus"))["SecureNATEnabled_bool"], isOn);
    }
    assert.deepEqual(await ask("EnableSecureNAT", { HubName_str: "none" }), { error: "hubNotFound" });
  });

  test("takes the settings that it tells, and nothing is lost on the way", async () => {
    const { ask, settings } = createServer();
    const before = settings();
    const option = await ask("GetSecureNATOption");
    assert.equal(option["DhcpLeaseIPStart_ip"], "192.168.30.10");
    await ask("SetSecureNATOption", option);
    assert.deepEqual(settings(), before);
    await ask("SetSecureNATOption", {
      ...option,
      MacAddress_bin: Buffer.from("5e0000000077", "hex").toString("base64"),
      Ip_ip: "10.0.0.1",
      DhcpLeaseIPStart_ip: "10.0.0.5",
      DhcpLeaseIPEnd_ip: "10.0.0.9",
      Mtu_u32: 9_000,
      NatTcpTimeout_u32: 1,
      SaveLog_bool: false,
      DhcpPushRoutes_str: "10.1.0.0/16/10.0.0.2",
    });
    const { host, nat, dhcp, saveLog } = settings() ?? assert.fail();
    assert.deepEqual(host.mac, Uint8Array.of(0x5e, 0, 0, 0, 0, 0x77));
    assert.deepEqual([host.address, dhcp.first, dhcp.last], [0x0a00_0001, 0x0a00_0005, 0x0a00_0009]);
    // As the official server, which takes the nearest value that there may be.
    assert.deepEqual([nat.mtu, nat.tcpTimeoutSeconds, saveLog], [1_500, 60, false]);
    assert.equal(dhcp.pushRoutes, "10.1.0.0/16/10.0.0.2");
  });

  test("refuses what it could not work with, and changes nothing", async () => {
    const { ask, settings } = createServer();
    const before = settings();
    const option = await ask("GetSecureNATOption");
    for (const bad of [
      { Ip_ip: "::1" },
      { DhcpLeaseIPStart_ip: "192.168.30.201" },
      { DhcpPushRoutes_str: "10.0.0.0/8" },
      { DhcpPushRoutes_str: "10.0.0.0/255.0.255.0/10.0.0.1" },
    ]) {
      assert.deepEqual(await ask("SetSecureNATOption", { ...option, ...bad }), { error: "invalidParameter" });
    }
    assert.equal(settings(), before);
  });

  test("keeps the administrator of a hub from switching on what its options forbid", async () => {
    const { ask } = createServer({ no_securenat_enablenat: 1, no_securenat_enabledhcp: 1 });
    const option = await ask("GetSecureNATOption");
    const off = { ...option, UseNat_bool: false, UseDhcp_bool: false };
    const errorOf = async (params: Json, administrator?: Administrator) =>
      (await ask("SetSecureNATOption", params, administrator))["error"];
    assert.equal(await errorOf(off, ofHub), undefined);
    for (const on of [{ UseNat_bool: true }, { UseDhcp_bool: true }]) {
      assert.equal(await errorOf({ ...off, ...on }, ofHub), "notEnoughRights");
      assert.equal(await errorOf({ ...off, ...on }), undefined);
      assert.equal(await errorOf(off), undefined);
    }
  });

  test("tells what runs, and nothing of what does not", async () => {
    const { administration, ask } = createServer();
    assert.deepEqual((await ask("EnumDHCP"))["DhcpTable"], []);
    assert.equal((await ask("GetSecureNATStatus"))["NumTcpSessions_u32"], 0);
    administration.report = {
      kernel: undefined,
      counts: { tcp: 2, udp: 1, dns: 3, ping: 4, leases: 1 },
      leases: [
        {
          address: 0xc0a8_1e0a,
          mac: "5e0000000001",
          hostName: "laptop",
          leasedAt: 1_700_000_000_000,
          expiresAt: 1_700_007_200_000,
        },
      ],
      mappings: [
        {
          protocol: "tcp",
          client: 0xc0a8_1e0a,
          clientPort: 50_000,
          remote: 0xc633_6407,
          remotePort: 443,
          createdAt: 1_700_000_000_000,
          usedAt: 1_700_000_001_000,
          sent: 5,
          received: 7,
          state: "established",
        },
      ],
    };
    const { NumTcpSessions_u32, NumDhcpClients_u32 } = await ask("GetSecureNATStatus");
    assert.deepEqual([NumTcpSessions_u32, NumDhcpClients_u32], [2, 1]);
    const [lease] = (await ask("EnumDHCP"))["DhcpTable"] as Json[];
    assert.equal(lease?.["IpAddress_ip"], "192.168.30.10");
    assert.equal(lease["Hostname_str"], "laptop");
    const [entry] = (await ask("EnumNAT"))["NatTable"] as Json[];
    assert.deepEqual(
      [entry?.["SrcIp_ip"], entry?.["DestIp_ip"], entry?.["DestPort_u32"], entry?.["SendSize_u64"]],
      ["192.168.30.10", "198.51.100.7", 443, 5],
    );
  });

  test("tells connections of IPv6 by the names of their hosts, for which the official tables have addresses of IPv4", async () => {
    const { administration, ask } = createServer();
    const [client, remote] = ["fd00:1::7", "2001:db8::80"].map(
      (text) => parseIpAddress(text) ?? assert.fail(),
    ) as [IpAddress, IpAddress];
    const entry: NatEntry = {
      ...{ client, clientPort: 50_000, remote, remotePort: 443, protocol: "tcp", state: "established" },
      ...{ createdAt: 0, usedAt: 1_700_000_001_000, sent: 5, received: 7 },
    };
    const counts = { tcp: 1, udp: 0, dns: 0, ping: 0, leases: 0 };
    administration.report = { counts, leases: [], mappings: [entry], kernel: undefined };
    const [item] = (await ask("EnumNAT"))["NatTable"] as Json[];
    assert.deepEqual(
      [item?.["SrcIp_ip"], item?.["SrcHost_str"], item?.["DestIp_ip"], item?.["DestHost_str"]],
      ["0.0.0.0", "fd00:1::7", "0.0.0.0", "2001:db8::80"],
    );
  });

  test("tells what the kernel follows besides, or why it does not", async () => {
    const { administration, ask } = createServer();
    const entry = {
      ...{ client: 0xc0a8_1e0a, clientPort: 50_000, remote: 0xc633_6407, remotePort: 443 },
      ...{ createdAt: 0, usedAt: 1_700_000_001_000, sent: 5, received: 7 },
    };
    const followed = [
      { ...entry, protocol: "tcp", state: "established" },
      { ...entry, protocol: "udp", state: "none" },
      { ...entry, protocol: "ping", state: "none" },
    ] as const;
    const report = {
      counts: { tcp: 1, udp: 0, dns: 3, ping: 0, leases: 0 },
      leases: [],
      mappings: [{ ...entry, protocol: "tcp", remotePort: 22, state: "closing" } as const],
    };
    administration.report = {
      ...report,
      kernel: () => Promise.resolve({ counts: { tcp: 2, udp: 3, ping: 4 }, mappings: followed }),
    };
    const status = await ask("GetSecureNATStatus");
    assert.deepEqual(
      ["Tcp", "Udp", "Icmp", "Dns"].map((kind) => status[`Num${kind}Sessions_u32`]),
      [3, 3, 4, 3],
    );
    assert.equal(status["IsKernelMode_bool"], true);
    const { NumItem_u32, NatTable } = await ask("EnumNAT");
    assert.equal(NumItem_u32, 4);
    assert.deepEqual(
      (NatTable as Json[]).map((item) => [item["Id_u32"], item["Protocol_u32"], item["TcpStatus_u32"]]),
      [
        [1, 0, 4],
        [2, 0, 3],
        [3, 1, 0],
        [4, 3, 0],
      ],
    );
    administration.report = { ...report, kernel: () => Promise.reject(new Error("EPERM: read")) };
    assert.equal((await ask("GetSecureNATStatus"))["NumTcpSessions_u32"], 1);
    assert.deepEqual(await ask("EnumNAT"), { error: "notSupported" });
  });
});
