import { NativeLoader } from "../../../server/native/native.ts";
import { Tap } from "../../../server/packet-device/tap.ts";

/** Opens a TAP of the name that the command line gives and closes it, again and again. It says how often, and ends with its standard input. */
const native = await new NativeLoader({ env: {}, directory: "/nowhere" }).get();
if (!native.available) throw new Error(native.reason);
const [name = ""] = process.argv.slice(2);
let opened = 0;
for (; opened < 5; opened++) {
  const tap = Tap.open(native.calls, name, { receive: () => {}, lost: () => {} });
  await tap.close();
}
console.log(`opened ${opened} times`);
process.stdin.resume();
