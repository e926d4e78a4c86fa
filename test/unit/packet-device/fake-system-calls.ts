import type { PinnedMemory } from "../../../server/native/pinned-memory.ts";
import { SystemCallError } from "../../../server/native/system-call-error.ts";
import type { SystemCalls } from "../../../server/native/system-calls.ts";
import { nameBytes } from "../../../server/packet-device/interface-request.ts";

const [EINVAL, EMSGSIZE] = [22, 90];
const SIOCGIFMTU = 0x8921;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFHWADDR = 0x8927;

/** What a kernel does with the datagrams of one call: how many it takes, or why it takes not even the first. */
type Outcome = number | "EAGAIN" | "EINVAL" | "EMSGSIZE";

/** A kernel with one interface of Ethernet, whose frames the test makes and gets. */
export class FakeSystemCalls {
  mtu = 1_500;
  mtuQuestions = 0;
  /** Of each call of `sendMessages`, the lengths that it was to send. */
  readonly sends: number[][] = [];
  /** Of the next calls of `sendMessages`; all are taken where there is none. */
  readonly outcomes: Outcome[] = [];
  /** Frames that wait, with the header before each, and how many the server asked for. */
  readonly waiting: Buffer[] = [];
  readonly asked: number[] = [];
  readonly released: string[] = [];
  readonly closed: string[] = [];
  readable = () => {};

  /** As the devices take it. */
  get calls(): SystemCalls {
    return this as unknown as SystemCalls;
  }

  allocate(bytes: number) {
    return { bytes: Buffer.alloc(bytes), release: () => this.released.push("memory") };
  }

  receiveBatch(count: number, sizes: { bytes: number; addressBytes: number; controlBytes: number }) {
    const lengths: number[] = [];
    return {
      bytes: Buffer.alloc(count * sizes.bytes),
      addresses: Buffer.alloc(count * sizes.addressBytes),
      controls: Buffer.alloc(count * sizes.controlBytes),
      sizes,
      lengths,
      lengthOf: (index: number) => lengths[index],
      release: () => this.released.push("batch"),
    };
  }

  sendBatch() {
    return { release: () => this.released.push("headers") };
  }

  packetSocket = () => "packets";
  datagramSocket = () => "questions";
  setOption(): void {}
  bind(): void {}

  ioctl(_descriptor: unknown, request: number, { bytes }: PinnedMemory): number {
    if (request === SIOCGIFMTU) this.mtuQuestions++;
    const answers: Record<number, number> = {
      [SIOCGIFMTU]: this.mtu,
      [SIOCGIFFLAGS]: 1,
      [SIOCGIFHWADDR]: 1,
    };
    bytes.writeInt32LE(answers[request] ?? 7, nameBytes);
    return 0;
  }

  watch(_descriptor: unknown, readable: () => void) {
    this.readable = readable;
    return { stop: () => (this.readable = () => {}) };
  }

  close(descriptor: string): void {
    this.closed.push(descriptor);
  }

  sendMessages(
    _descriptor: unknown,
    _batch: unknown,
    _memory: unknown,
    _offsets: readonly number[],
    lengths: readonly number[],
    first: number,
    end: number,
  ): number | undefined {
    this.sends.push(lengths.slice(first, end));
    const outcome = this.outcomes.shift() ?? end - first;
    if (outcome === "EAGAIN") return undefined;
    if (typeof outcome === "number") return outcome;
    throw new SystemCallError("sendmmsg", outcome === "EINVAL" ? EINVAL : EMSGSIZE, "a packet socket");
  }

  receiveMessages(
    _descriptor: unknown,
    batch: ReturnType<FakeSystemCalls["receiveBatch"]>,
    most: number,
  ): number | undefined {
    this.asked.push(most);
    const frames = this.waiting.splice(0, most);
    for (const [index, frame] of frames.entries()) {
      frame.copy(batch.bytes, index * batch.sizes.bytes);
      batch.lengths[index] = frame.length;
    }
    return frames.length === 0 ? undefined : frames.length;
  }
}
