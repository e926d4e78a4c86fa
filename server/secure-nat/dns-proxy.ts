import { read16, type Frame } from "../ethernet/frame.ts";
import { dnsProxyLimits } from "../limits.ts";
import type { Outside } from "./outside.ts";
import { senderOf, type Station } from "./packet-writer.ts";
import { udpPayload } from "./udp-nat.ts";
import type { UdpSender } from "./udp-sender.ts";

export const dnsPort = 53;
/** Of a message of DNS (RFC 1035, section 4.1.1). */
const headerBytes = 12;
const response = 0x8000;
const recursionAvailable = 0x0080;
const serverFailure = 2;

/**
 * DNS of clients, which the resolvers of the host answer: the messages are passed on as they are, so that every type of record and
 * every extension works that the resolvers know.
 */
export class DnsProxy {
  readonly #outside: Outside;
  readonly #sender: UdpSender;
  readonly #host: Station;
  /** What gives up each question that is open, and how many each client has. */
  readonly #open = new Set<() => void>();
  readonly #perClient = new Map<number, number>();

  constructor(outside: Outside, sender: UdpSender, host: Station) {
    this.#outside = outside;
    this.#sender = sender;
    this.#host = host;
  }

  /** Questions that are not answered yet. */
  get count(): number {
    return this.#open.size;
  }

  /** Takes a UDP packet for port 53 of the virtual host. */
  receive(frame: Frame): void {
    const query = udpPayload(frame);
    if (query === undefined || query.length < headerBytes || (read16(query, 2) & response) !== 0) return;
    const client = senderOf(frame);
    const port = frame.sourcePort;
    const count = this.#perClient.get(client.address) ?? 0;
    if (this.#open.size >= dnsProxyLimits.queries || count >= dnsProxyLimits.perClient) return;
    this.#perClient.set(client.address, count + 1);
    const giveUp = this.#outside.queryDns(query, (answer) => {
      this.#open.delete(giveUp);
      this.#closed(client.address);
      this.#sender.send(this.#host, dnsPort, client, port, answer ?? failureOf(query));
    });
    this.#open.add(giveUp);
  }

  close(): void {
    for (const giveUp of this.#open) giveUp();
    this.#open.clear();
    this.#perClient.clear();
  }

  #closed(client: number): void {
    const left = (this.#perClient.get(client) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(client);
    else this.#perClient.set(client, left);
  }
}

/** Tells the client that it need not wait; it asks elsewhere, or again. */
function failureOf(query: Buffer): Buffer {
  const answer = Buffer.from(query.subarray(0, headerBytes));
  answer.writeUInt16BE((read16(query, 2) & 0x7900) | response | recursionAvailable | serverFailure, 2);
  // Without the question, which nobody has looked into.
  answer.fill(0, 4);
  return answer;
}
