import { loadKoffi } from "../../server/native/koffi.ts";
import { installedKoffiFile } from "../../server/native/koffi-file.ts";
import { addressOf, PinnedMemory } from "../../server/native/pinned-memory.ts";

/** `CLOCK_THREAD_CPUTIME_ID` of Linux. */
const threadCpuClock = 3;
const timespecBytes = 16;

/**
 * A clock of the processor time of this thread, in microseconds. What Node.js tells of it (`process.threadCpuUsage`) goes on at ticks of
 * the system alone, 4 ms apart and now and then 15, so that a thread seemed to be held for 15 ms in the tenth of a millisecond in which
 * a late tick came.
 *
 * @throws Error where the library for calls of C is not there
 */
export function threadClock(): () => number {
  const file = installedKoffiFile();
  if (file === undefined)
    throw new Error("koffi has no library for this platform, so that no time can be told");
  const koffi = loadKoffi(file);
  const memory = PinnedMemory.allocate(koffi, timespecBytes);
  const address = addressOf(memory, 0, timespecBytes);
  const getTime = koffi.load(null).func("int clock_gettime(int clock, uintptr_t time)") as (
    clock: number,
    time: number,
  ) => number;
  return () => {
    if (getTime(threadCpuClock, address) !== 0) throw new Error("the system has no clock of threads");
    return Number(memory.bytes.readBigInt64LE(0)) * 1e6 + Number(memory.bytes.readBigInt64LE(8)) / 1e3;
  };
}
