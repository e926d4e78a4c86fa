import { randomBytes } from "node:crypto";
import { AnsweringPort } from "../../../server/hub/answering-port.ts";
import { NativeLoader } from "../../../server/native/native.ts";
import { HostNetwork } from "../../../server/outside/host-network.ts";
import { DevicePort } from "../../../server/packet-device/device-port.ts";
import { Tap } from "../../../server/packet-device/tap.ts";
import type { PacketDeviceEvents } from "../../../server/packet-device/packet-device.ts";
import { SecureNat } from "../../../server/secure-nat/secure-nat.ts";
import { createSecureNatSettings } from "../../../server/settings/secure-nat-settings.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { TestHub } from "../../unit/hub/hub-fixture.ts";
import { behindBadLink, type BadLink } from "./bad-link.ts";

/**
 * A Virtual Hub with a TAP of the name that the command line gives, and a virtual host 192.168.30.1 that is the way outside. The second
 * argument is a bad link as JSON. It says `ready`, and ends with its standard input.
 */
const loader = new NativeLoader({ env: {}, directory: "/nowhere" });
const native = await loader.get();
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

const nat = new SecureNat({
  settings: createSecureNatSettings(Uint8Array.of(0x5e, 0, 0, 0, 0, 1)),
  outside: new HostNetwork(4_096, loader),
  mayReach: (address) => isReachable(address, []),
  send: (buffer, start, end) => port.sendBlocks(buffer, start, end),
  soon: queueMicrotask,
  now: () => performance.now(),
  unixNow: () => Date.now(),
  random: () => randomBytes(4).readUInt32BE(),
});
const port: AnsweringPort = new AnsweringPort({
  name: "SID-SECURENAT-1",
  kind: "secure-nat",
  userName: "SecureNAT",
  policy: defaultPolicy,
  receive: (buffer, start, end) => nat.receive(buffer, start, end),
  turnEnded: () => nat.turnEnded(),
  nextTurn: (callback) => void setImmediate(callback),
});
port.plugInto(hub.attach(port));
const ticks = setInterval(() => nat.tick(), 20);
console.log("ready");
process.stdin.resume().once("end", () => {
  clearInterval(ticks);
  nat.close();
  port.unplug();
  tap.unplug();
});
