import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { dumpConnections } from "../../../server/host-nat/connection-dump.ts";
import { ConnectionList } from "../../../server/host-nat/connection-list.ts";
import { Forwarding } from "../../../server/host-nat/forwarding.ts";
import { HostNat } from "../../../server/host-nat/host-nat.ts";
import { AnsweringPort } from "../../../server/hub/answering-port.ts";
import { NativeLoader } from "../../../server/native/native.ts";
import { HostNetwork } from "../../../server/outside/host-network.ts";
import { SocketPool } from "../../../server/outside/socket-pool.ts";
import { DevicePort } from "../../../server/packet-device/device-port.ts";
import { Tap } from "../../../server/packet-device/tap.ts";
import { kernelNetworks } from "../../../server/platform/ipv4-forwarding.ts";
import { runProgram } from "../../../server/platform/run-program.ts";
import type { PacketDeviceEvents } from "../../../server/packet-device/packet-device.ts";
import { SecureNat } from "../../../server/secure-nat/secure-nat.ts";
import { createSecureNatSettings } from "../../../server/settings/secure-nat-settings.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { atOnce } from "../../../server/turns.ts";
import { TestHub } from "../../unit/hub/hub-fixture.ts";
import { behindBadLink, type BadLink } from "./bad-link.ts";

/**
 * A Virtual Hub with a TAP of the name that the command line gives, and a virtual host 192.168.30.1 that is the way outside. The second
 * argument is a bad link as JSON. Where the third names a file for the record, the host's kernel translates; it says why when it cannot.
 * The fourth one is the most TCP connections of a client then, and the fifth how many of them nobody has answered. It says `ready`, and ends
 * with its standard input. A line `check` there has it say whether the kernel still does, `list` what the kernel follows, and `counts` what
 * the virtual host has, connections that are over and only remembered apart, both as JSON. `look` has it look for interfaces that came later, and is said again then.
 */
const loader = new NativeLoader({ env: {}, directory: "/nowhere" });
const native = await loader.get();
if (!native.available) throw new Error(native.reason);
const { calls } = native;
const [name = "", link, recordFile, mostTcp = "0", mostConnecting = "0"] = process.argv.slice(2);
const { hub } = new TestHub();
const tap = new DevicePort({
  name: "SID-LOCALBRIDGE-1",
  policy: defaultPolicy,
  open: (events) => {
    const open = (inner: PacketDeviceEvents) => Tap.open(calls, name, inner);
    return !link ? open(events) : behindBadLink(open, events, JSON.parse(link) as BadLink);
  },
  onLost: (error) => console.log(`lost: ${error.message}`),
});
tap.plugInto(hub.attach(tap));

const ordinary = createSecureNatSettings(Uint8Array.of(0x5e, 0, 0, 0, 0, 1));
const perClient = { ...ordinary.nat.perClient, tcp: Number(mostTcp), connecting: Number(mostConnecting) };
const settings = { ...ordinary, nat: { ...ordinary.nat, perClient } };
let look = () => Promise.resolve();
let fromKernel = (_buffer: Buffer, _start: number, _end: number) => {};
const way = recordFile === undefined ? undefined : await openWay(recordFile);
const nat = new SecureNat({
  settings,
  ...(way && {
    kernel: {
      network: way.network.network,
      send: (buffer: Buffer, start: number, end: number) => way.send(buffer, start, end),
    },
  }),
  outside: new HostNetwork(new SocketPool(4_096).share(), loader),
  mayReach: (address) => isReachable(address, []),
  send: (buffer, start, end) => port.sendBlocks(buffer, start, end),
  soon: queueMicrotask,
  now: () => performance.now(),
  unixNow: () => Date.now(),
  random: () => randomBytes(4).readUInt32BE(),
});
fromKernel = (buffer, start, end) => nat.receiveFromKernel(buffer, start, end);
const port: AnsweringPort = new AnsweringPort({
  name: "SID-SECURENAT-1",
  kind: "secure-nat",
  userName: "SecureNAT",
  policy: defaultPolicy,
  receive: (buffer, start, end, from) => nat.receive(buffer, start, end, from),
  turnEnded: (isOver) => nat.turnEnded(isOver),
  nextTurn: (work) => {
    const goOn = () => void (work(() => false) && setImmediate(goOn));
    setImmediate(goOn);
  },
});
port.plugInto(hub.attach(port));
const ticks = setInterval(() => nat.tick(), 20);
console.log("ready");
createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (line === "counts") console.log(JSON.stringify({ ...nat.counts(), ended: ended() }));
    else if (line === "list") void list();
    else if (line === "look") void look().then(() => console.log(line));
    else void way?.check().then((reason) => console.log(reason ?? "passes"));
  })
  .once("close", () => {
    clearInterval(ticks);
    atOnce(nat.close());
    port.unplug();
    void tap.unplug();
    void way?.close();
  });

async function list(): Promise<void> {
  const told = await way?.connections();
  const entries = [...(told?.entries() ?? [])].map((entry) => ({
    ...entry,
    client: nat.clientOfKernel(entry.client),
  }));
  console.log(JSON.stringify({ counts: told?.counts, entries }));
}

function ended(): number {
  return nat.report().mappings.filter(({ state }) => state === "time-wait").length;
}

async function openWay(recordFile: string) {
  const hostNat = new HostNat({
    kernel: kernelNetworks,
    forwarding: new Forwarding({ run: runProgram, kernel: kernelNetworks, recordFile }),
    connections: new ConnectionList({
      dump: (isWanted, take) => dumpConnections(calls, isWanted, take),
      timeouts: () => kernelNetworks.connectionTimeouts(),
      now: () => performance.now(),
      unixNow: () => Date.now(),
    }),
    openDevice: (events, setup) => Promise.resolve(Tap.openRouted(calls, events, setup)),
    delay: (ms) => delay(ms),
    now: () => performance.now(),
    warn: (problem) => console.log(problem),
  });
  look = () => hostNat.look();
  try {
    return await hostNat.open({
      mac: settings.host.mac,
      mtu: settings.nat.mtu,
      perClient: settings.nat.perClient,
      receive: (buffer, start, end) => fromKernel(buffer, start, end),
      lost: () => console.log("lost"),
    });
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    return undefined;
  }
}
