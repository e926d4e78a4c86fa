import { hash } from "node:crypto";
import { hostname } from "node:os";
import { isIPv6 } from "node:net";
import type { HubSession, LiveHub } from "../../access/virtual-hubs.ts";
import { trafficOf } from "../../access/hub-activity.ts";
import type { PluggedPort } from "../../hub/hub.ts";
import type { PortCounters } from "../../hub/port-counters.ts";
import { parseAddress } from "../../ethernet/ip-address.ts";
import { productName, protocolVersion } from "../../version.ts";
import { mapped, valuesPerStep, type Steps } from "../../turns.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";
import { findLiveHub } from "./find-hub.ts";
import { cannotDisconnect, findOwnPort, ownPortsOf, type OwnKind } from "./own-ports.ts";
import { policyFieldsOf } from "./policy-fields.ts";
import { trafficFieldsOf } from "./traffic.ts";

/** `SessionStatus`: connected (`CLIENT_STATUS_ESTABLISHED`). */
const established = 3;
/** Bytes that a client's host is told apart by. */
const uniqueIdBytes = 16;

/** Sessions of a hub, and what they have taught it. */
export function createSessionHandlers(administration: Administration): RpcHandlers {
  const { now } = administration;
  /** Unix time of a time of the hub's clock. */
  const unixTime = (hubTime: number) => Math.round(now() - performance.now() + hubTime);
  return {
    *EnumSession({ HubName }) {
      const live = findLiveHub(administration, HubName);
      const items = yield* mapped([...live.sessions.values()], (entry) => sessionItem(entry, unixTime));
      return { SessionList: [...items, ...ownPortsOf(live).map((own) => ownItem(own, unixTime(own.since)))] };
    },
    GetSessionStatus: ({ HubName, Name }) => {
      const live = findLiveHub(administration, HubName);
      const own = findOwnPort(live, Name);
      return own === undefined ? sessionStatus(findSession(live, Name)) : ownStatus(own, unixTime(own.since));
    },
    DeleteSession: ({ HubName, Name }) => {
      const live = findLiveHub(administration, HubName);
      const own = findOwnPort(live, Name);
      if (own !== undefined) throw new RpcError(cannotDisconnect[own.port.kind as OwnKind]);
      findSession(live, Name).session.end("ended by the administrator");
      return {};
    },
    *EnumMacTable({ HubName }) {
      const host = hostname();
      const MacTable = yield* mapped(findLiveHub(administration, HubName).hub.macTable(), (entry) => ({
        Key: keyOf(entry.mac, entry.vlan),
        SessionName: entry.port,
        MacAddress: Buffer.from(entry.mac.replaceAll("-", ""), "hex"),
        VlanId: entry.vlan,
        CreatedTime: unixTime(entry.createdAt),
        UpdatedTime: unixTime(entry.updatedAt),
        RemoteItem: false,
        RemoteHostname: host,
      }));
      return { MacTable };
    },
    *DeleteMacTable({ HubName, Key }) {
      const { hub } = findLiveHub(administration, HubName);
      const found = yield* firstOf(hub.macTable(), ({ mac, vlan }) => keyOf(mac, vlan) === Key);
      if (found === undefined) throw new RpcError("notFound");
      hub.forgetMac(found);
      return {};
    },
    *EnumIpTable({ HubName }) {
      const host = hostname();
      const IpTable = yield* mapped(findLiveHub(administration, HubName).hub.ipTable(), (entry) => ({
        Key: keyOf(entry.ip, 0),
        SessionName: entry.port,
        Ip: entry.ip,
        IpV6: entry.ip,
        IpAddress: entry.ip,
        DhcpAllocated: entry.dhcp,
        CreatedTime: unixTime(entry.createdAt),
        UpdatedTime: unixTime(entry.updatedAt),
        RemoteItem: false,
        RemoteHostname: host,
      }));
      return { IpTable };
    },
    *DeleteIpTable({ HubName, Key }) {
      const { hub } = findLiveHub(administration, HubName);
      const found = yield* firstOf(hub.ipTable(), ({ ip }) => keyOf(ip, 0) === Key);
      if (found === undefined) throw new RpcError("notFound");
      hub.forgetIp(found);
      return {};
    },
  };
}

/** The first entry that is wanted. */
function* firstOf<T>(entries: Iterable<T>, isWanted: (entry: T) => boolean): Steps<T | undefined> {
  let looks = 0;
  for (const entry of entries) {
    if (isWanted(entry)) return entry;
    if (++looks % valuesPerStep === 0) yield;
  }
  return undefined;
}

/** What is the same for all in the list of sessions. */
function itemOf({ received, sent }: PortCounters) {
  const frames = (count: typeof received) => count.unicastFrames + count.broadcastFrames;
  const bytes = (count: typeof received) => count.unicastBytes + count.broadcastBytes;
  return {
    PacketSize: bytes(received) + bytes(sent),
    PacketNum: frames(received) + frames(sent),
    RemoteSession: false,
    RemoteHostname: hostname(),
    LinkMode: false,
    SecureNATMode: false,
    BridgeMode: false,
    Layer3Mode: false,
    IsDormantEnabled: false,
    IsDormant: false,
    LastCommDormant: 0,
  };
}

function sessionItem({ session, node, counters, startedAt }: HubSession, unixTime: (at: number) => number) {
  return {
    ...itemOf(counters),
    Name: session.name,
    Username: session.user.name,
    Ip: session.peerAddress,
    ClientIP: session.peerAddress,
    Hostname: node.client.hostName || session.peerAddress,
    MaxNumTcp: session.link.maxConnections,
    CurrentNumTcp: session.connections,
    Client_BridgeMode: !session.policy.NoBridge,
    Client_MonitorMode: session.monitor,
    VLanId: session.policy.VLanId,
    UniqueId: Buffer.from(node.uniqueId),
    CreatedTime: startedAt,
    LastCommTime: unixTime(session.lastHeardAt),
  };
}

/** A port of the server's own, as the official one shows it among the sessions: its kind is a flag, and it has no peer. */
function ownItem({ port, counters }: PluggedPort, since: number) {
  return {
    ...itemOf(counters),
    Name: port.name,
    Username: port.user.name,
    Ip: "",
    ClientIP: "",
    Hostname: "",
    MaxNumTcp: 0,
    CurrentNumTcp: 0,
    LinkMode: port.kind === "cascade",
    SecureNATMode: port.kind === "secure-nat",
    BridgeMode: port.kind === "local-bridge",
    Layer3Mode: port.kind === "l3-switch",
    Client_BridgeMode: !port.policy.NoBridge,
    Client_MonitorMode: port.monitor,
    VLanId: port.policy.VLanId,
    UniqueId: Buffer.alloc(uniqueIdBytes),
    CreatedTime: since,
    LastCommTime: since,
  };
}

function findSession({ sessions }: LiveHub, name: string): HubSession {
  if (name === "") throw new RpcError("invalidParameter");
  const wanted = name.toLowerCase();
  const found = [...sessions.values()].find(({ session }) => session.name.toLowerCase() === wanted);
  if (found === undefined) throw new RpcError("notFound");
  return found;
}

/** Of an entry of a table, by which it is deleted: the same as long as the entry is there. */
function keyOf(address: string, vlan: number): number {
  return hash("sha256", `${address} ${vlan}`, "buffer").readUInt32BE() || 1;
}

function sessionStatus(entry: HubSession) {
  const { session, node, client, counters, policy, user, startedAt } = entry;
  const { link, peerAddress } = session;
  const { received, sent } = counters;
  return {
    Name: session.name,
    Username: session.user.name,
    GroupName: session.user.group ?? "",
    RealUsername: user?.name ?? session.user.name,
    SessionStatus_ClientIp: peerAddress,
    SessionStatus_ClientIp6: ipv6Of(peerAddress),
    SessionStatus_ClientHostName: node.client.hostName,
    Client_Ip_Address: peerAddress,
    SessionName: session.name,
    Active: true,
    Connected: true,
    SessionStatus: established,
    ServerProductName: productName,
    ServerProductVer: protocolVersion.version,
    ServerProductBuild: protocolVersion.build,
    NumConnectionsEstablished: 1,
    HalfConnection: link.halfDuplex,
    QoS: link.qos,
    MaxTcpConnections: link.maxConnections,
    NumTcpConnections: session.connections,
    UseEncrypt: link.encrypt,
    UseCompress: link.compress,
    UnderlayProtocol: isIPv6(peerAddress) ? "Standard TCP/IP (IPv6)" : "Standard TCP/IP (IPv4)",
    IsBridgeMode: !policy.NoBridge,
    IsMonitorMode: session.monitor,
    StartTime: startedAt,
    FirstConnectionEstablisiedTime: startedAt,
    CurrentConnectionEstablishTime: startedAt,
    TotalSendSize: sent.unicastBytes + sent.broadcastBytes,
    TotalRecvSize: received.unicastBytes + received.broadcastBytes,
    VLanId: policy.VLanId,
    ...policyFieldsOf(session.policy),
    ...trafficFieldsOf([trafficOf(counters)]),
    ClientProductName: client.product,
    ClientProductVer: node.clientVersion,
    ClientProductBuild: node.clientBuild,
    ClientOsName: node.osName,
    ClientOsVer: node.osVersion,
    ClientOsProductId: node.osProductId,
    ClientHostname: node.client.hostName,
    ClientIpAddress: node.client.address,
    ClientIpAddress6: Buffer.from(node.client.address6),
    ClientPort: node.client.port,
    ServerHostname: node.server.hostName,
    ServerIpAddress: node.server.address,
    ServerIpAddress6: Buffer.from(node.server.address6),
    ServerPort2: node.server.port,
    ProxyHostname: node.proxy.hostName,
    ProxyIpAddress: node.proxy.address,
    ProxyIpAddress6: Buffer.from(node.proxy.address6),
    ProxyPort: node.proxy.port,
    UniqueId: Buffer.from(node.uniqueId),
  };
}

function ownStatus({ port, counters }: PluggedPort, since: number) {
  const { received, sent } = counters;
  return {
    Name: port.name,
    Username: port.user.name,
    SessionName: port.name,
    Active: true,
    Connected: true,
    SessionStatus: established,
    ServerProductName: productName,
    ServerProductVer: protocolVersion.version,
    ServerProductBuild: protocolVersion.build,
    NumConnectionsEstablished: 1,
    QoS: true,
    IsBridgeMode: !port.policy.NoBridge,
    IsMonitorMode: port.monitor,
    StartTime: since,
    FirstConnectionEstablisiedTime: since,
    CurrentConnectionEstablishTime: since,
    TotalSendSize: sent.unicastBytes + sent.broadcastBytes,
    TotalRecvSize: received.unicastBytes + received.broadcastBytes,
    VLanId: port.policy.VLanId,
    ...policyFieldsOf(port.policy),
    ...trafficFieldsOf([trafficOf(counters)]),
    UniqueId: Buffer.alloc(uniqueIdBytes),
  };
}

function ipv6Of(address: string): Buffer {
  const bytes = isIPv6(address) ? parseAddress(address) : undefined;
  return bytes === undefined ? Buffer.alloc(0) : Buffer.from(bytes);
}
