import type { Namespace } from "../../test/lab/namespace.ts";

/** What came of packets that were sent for some time. */
interface RateAttempt {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
  /** Processor time of the server meanwhile. */
  readonly cpuSeconds: number;
}

const leastPerSecond = 4_000;
const mostPerSecond = 512_000;
const mostLoss = 0.001;
/** Halvings of the range that the highest rate is in, once it is between a rate and its double. */
const refinements = 2;

/**
 * Highest rate at which all packets arrive but one in a thousand. A rate is given up when that fails twice, since other programs of the
 * machine get in between.
 */
export async function highestRate(
  attempt: (perSecond: number) => Promise<RateAttempt>,
): Promise<{ readonly perSecond: number; readonly cpuMicroseconds: number }> {
  let best = { perSecond: 0, cpuMicroseconds: Number.NaN };
  const succeeds = async (perSecond: number) => {
    for (let time = 0; time < 2; time++) {
      const { sent, received, seconds, cpuSeconds } = await attempt(perSecond);
      if (received < sent * (1 - mostLoss) || received === 0) continue;
      best = { perSecond: received / seconds, cpuMicroseconds: (cpuSeconds / received) * 1e6 };
      // A sender that does not come up to the rate is no measure of a higher one.
      return sent / seconds > perSecond * 0.9;
    }
    return false;
  };
  let good = 0;
  let bad = leastPerSecond;
  while (bad < mostPerSecond && (await succeeds(bad))) [good, bad] = [bad, bad * 2];
  for (let time = 0; time < refinements && good > 0; time++) {
    const middle = (good + bad) / 2;
    if (await succeeds(middle)) good = middle;
    else bad = middle;
  }
  return best;
}

let counters = 0;
/** Of IPv4 and UDP. */
const headerBytes = 28;

/** Counts datagrams to a port in a station's kernel, where a program that is late loses none. */
export class PacketCounter {
  readonly #station: Namespace;
  readonly #table: string;

  private constructor(station: Namespace, table: string) {
    this.#station = station;
    this.#table = table;
  }

  static async start(station: Namespace, hook: "input" | "output", port: string): Promise<PacketCounter> {
    const table = `bench${counters++}`;
    const input = `table ip ${table} { chain count { type filter hook ${hook} priority 0; udp dport ${port} counter; }; }`;
    await station.run("nft", ["-f", "-"], { input });
    return new PacketCounter(station, table);
  }

  /**
   * Datagrams so far. Those that the kernel handles as one packet are told from their bytes.
   *
   * @param payloadBytes of each
   */
  async read(payloadBytes: number): Promise<number> {
    const { stdout } = await this.#station.run("nft", ["list", "table", "ip", this.#table]);
    const [, packets, bytes] = /counter packets (\d+) bytes (\d+)/.exec(stdout) ?? [];
    return (Number(bytes) - Number(packets) * headerBytes) / payloadBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#station.run("nft", ["delete", "table", "ip", this.#table]);
  }
}
