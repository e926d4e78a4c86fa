import { NativeLoader } from "../../../server/native/native.ts";
import { DevicePort } from "../../../server/packet-device/device-port.ts";
import { PacketSocket } from "../../../server/packet-device/packet-socket.ts";
import { Tap } from "../../../server/packet-device/tap.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { TestHub } from "../../unit/hub/hub-fixture.ts";

/**
 * A Virtual Hub between what the command line names: a TAP by its name, an interface that is there as `packet:NAME`. It says `ready`,
 * `lost NAME: REASON` for an interface that is gone, or `refused: REASON`, and ends with its standard input.
 */
const native = await new NativeLoader({ env: {}, directory: "/nowhere" }).get();
if (!native.available) throw new Error(native.reason);
const { calls } = native;
const { hub } = new TestHub();
const ports: DevicePort[] = [];
const prefix = "packet:";
try {
  for (const argument of process.argv.slice(2)) {
    const isThere = argument.startsWith(prefix);
    const name = isThere ? argument.slice(prefix.length) : argument;
    const port = new DevicePort({
      name: `SID-LOCALBRIDGE-${ports.length + 1}`,
      policy: defaultPolicy,
      open: (events) =>
        isThere
          ? PacketSocket.open(calls, name, events, { promiscuous: true })
          : Tap.open(calls, name, events),
      onLost: (error) => console.log(`lost ${name}: ${error.message}`),
    });
    port.plugInto(hub.attach(port));
    ports.push(port);
  }
  console.log("ready");
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
  process.exitCode = 1;
}
setInterval(() => {
  for (const port of ports) port.check();
}, 100).unref();
process.stdin.resume().once("end", () => {
  for (const port of ports) void port.unplug();
});
