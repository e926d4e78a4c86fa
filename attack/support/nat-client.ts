import type { TLSSocket } from "node:tls";
import { onFrames } from "../../bench/support/vpn-client.ts";
import { Frame, tcpFlags } from "../../server/ethernet/frame.ts";
import { IncomingSegment } from "../../server/tcp/segment.ts";
import type { Battle } from "./attack.ts";
import { arp, blocksOf, ipOf, tcp, type Ends } from "./frames.ts";
import { session } from "./traffic.ts";

export const gatewayAddress = ipOf("192.168.30.1");
const answerMs = 10_000;

/** A client behind a hub's SecureNAT, with an address that it gave itself. */
export class NatClient {
  readonly socket: TLSSocket;
  readonly #mac: number;
  readonly #address: number;
  readonly #frame = new Frame();
  readonly #segment = new IncomingSegment();
  #gateway: Buffer | undefined;
  #onGateway: (() => void) | undefined;
  /** Connections that the other end has taken. */
  established = 0;
  refused = 0;
  /** Whether connections that are taken are acknowledged, so that they can begin to send. */
  acknowledges = true;

  private constructor(socket: TLSSocket, mac: number, address: number) {
    this.socket = socket;
    this.#mac = mac;
    this.#address = address;
    onFrames(socket, (buffer, start, end) => this.#receive(buffer, start, end));
  }

  /** Logs in and finds the virtual host. */
  static async open(battle: Battle, number: number, user = "one"): Promise<NatClient> {
    const client = new NatClient(await session(battle, { user }), number, ipOf("192.168.30.10") + number);
    await client.#findGateway();
    return client;
  }

  /** Frames to somewhere outside. */
  ends(toIp: number): Ends {
    return { to: 0, from: this.#mac, toIp, fromIp: this.#address };
  }

  /** Sends frames made with {@link ends}, by way of the virtual host. */
  blocksOf(count: number, make: (index: number) => Buffer): Buffer {
    return blocksOf(count, (index) => {
      const frame = make(index);
      frame.set(this.#gateway ?? Buffer.alloc(6), 0);
      return frame;
    });
  }

  #findGateway(): Promise<void> {
    return new Promise((resolve, reject) => {
      const again = setInterval(ask, 200, this);
      const timer = setTimeout(() => {
        clearInterval(again);
        reject(new Error("the virtual host does not answer"));
      }, answerMs);
      this.#onGateway = () => {
        clearInterval(again);
        clearTimeout(timer);
        resolve();
      };
    });
    function ask(client: NatClient): void {
      const ends = { ...client.ends(gatewayAddress), to: "everybody" } as const;
      client.socket.write(blocksOf(1, () => arp(1, ends)));
    }
  }

  #receive(buffer: Buffer, start: number, end: number): void {
    const frame = this.#frame;
    if (!frame.read(buffer, start, end)) return;
    if (frame.network === "arp" && frame.sourceIp3 >>> 0 === gatewayAddress) {
      this.#gateway ??= Buffer.from(buffer.subarray(start + 6, start + 12));
      this.#onGateway?.();
    }
    if (frame.transport !== "tcp") return;
    const segment = this.#segment;
    if (!segment.read(buffer, frame.transportAt, frame.packetEnd)) return;
    if (segment.has("rst")) this.refused++;
    if (!segment.has("syn") || !segment.has("ack")) return;
    this.established++;
    if (!this.acknowledges) return;
    const header = {
      fromPort: frame.destinationPort,
      toPort: frame.sourcePort,
      sequence: segment.acknowledgment,
      acknowledgment: segment.sequence + 1,
      flags: tcpFlags.ack,
    };
    this.socket.write(this.blocksOf(1, () => tcp(this.ends(frame.sourceIp3), header)));
  }
}
