import { randomBytes } from "node:crypto";
import { DhcpServer } from "../../../server/dhcp/dhcp-server.ts";
import { AnsweringPort } from "../../../server/hub/answering-port.ts";
import { NativeLoader } from "../../../server/native/native.ts";
import { hostNetwork } from "../../../server/outside/host-network.ts";
import { DevicePort } from "../../../server/packet-device/device-port.ts";
import { Tap } from "../../../server/packet-device/tap.ts";
import type { PacketDeviceEvents } from "../../../server/packet-device/packet-device.ts";
import { PacketWriter } from "../../../server/secure-nat/packet-writer.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";
import { DnsProxy } from "../../../server/secure-nat/dns-proxy.ts";
import { createRoute } from "../../../server/secure-nat/routes.ts";
import { Fragments } from "../../../server/secure-nat/fragments.ts";
import { UdpNat } from "../../../server/secure-nat/udp-nat.ts";
import { UdpSender } from "../../../server/secure-nat/udp-sender.ts";
import { TcpNat } from "../../../server/secure-nat/tcp-nat.ts";
import { VirtualHost } from "../../../server/secure-nat/virtual-host.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { TestHub } from "../../unit/hub/hub-fixture.ts";
import { behindBadLink, type BadLink } from "./bad-link.ts";

/**
 * A Virtual Hub with a TAP of the name that the command line gives, and a virtual host 192.168.30.1 that is the way outside. The second
 * argument is a bad link as JSON. It says `ready`, and ends with its standard input.
 */
const native = await new NativeLoader({ env: {}, directory: "/nowhere" }).get();
if (!native.available) throw new Error(native.reason);
const { calls } = native;
const [name = "", link] = process.argv.slice(2);
const { hub } = new TestHub();
const tap = new DevicePort({
  name: "SID-LOCALBRIDGE-1",
  policy: defaultPolicy,
  open: (events) => {
    const open = (inner: PacketDeviceEvents) => Tap.open(calls, name, inner);
    return link === undefined ? open(events) : behindBadLink(open, events, JSON.parse(link) as BadLink);
  },
  onLost: (error) => console.log(`lost: ${error.message}`),
});
tap.plugInto(hub.attach(tap));

const address = (192 << 24) + (168 << 16) + (30 << 8);
const station = { mac0: 0x5e00, mac1: 0x0000_0001, address: (address + 1) >>> 0 };
const writer = new PacketWriter();
const send = (frame: Buffer) => port.send(frame);
const tcp = new TcpNat({
  route: createRoute(hostNetwork, station.address, isReachable),
  writer,
  send,
  router: station,
  mtu: 1_500,
  now: () => performance.now(),
  random: () => randomBytes(4).readUInt32BE(),
});
const dhcp = new DhcpServer(
  {
    serverAddress: station.address,
    range: { first: (address + 10) >>> 0, last: (address + 200) >>> 0 },
    mask: 0xffff_ff00,
    leaseSeconds: 7_200,
    gateway: station.address,
    nameServers: [station.address],
    domainName: "",
    routes: [],
  },
  () => Date.now(),
);
const sender = new UdpSender(writer, 1_500, send);
const dns = new DnsProxy(hostNetwork, sender, station);
const udp = new UdpNat({
  outside: hostNetwork,
  sender,
  router: station,
  timeoutMs: 60_000,
  now: () => performance.now(),
  mayReach: isReachable,
});
const fragments = new Fragments(() => performance.now());
const host = new VirtualHost({ station, mask: 0xffff_ff00, writer, send, dhcp, tcp, udp, dns, fragments });
const port: AnsweringPort = new AnsweringPort({
  name: "SID-SECURENAT-1",
  kind: "secure-nat",
  policy: defaultPolicy,
  receive: (buffer, start, end) => host.receive(buffer, start, end),
  turnEnded: () => tcp.flush(),
  nextTurn: (callback) => void setImmediate(callback),
});
port.plugInto(hub.attach(port));
const ticks = setInterval(() => {
  tcp.tick();
  udp.tick();
}, 20);
console.log("ready");
process.stdin.resume().once("end", () => {
  clearInterval(ticks);
  tcp.close();
  udp.close();
  dns.close();
  port.unplug();
  tap.unplug();
});
