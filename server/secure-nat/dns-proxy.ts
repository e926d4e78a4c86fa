import { read16, type Frame } from "../ethernet/frame.ts";
import { dnsProxyLimits, secureNatLimits } from "../limits.ts";
import { leastBound } from "./least-bound.ts";
import type { Outside } from "./outside.ts";
import { ownerOf } from "./owner.ts";
import { senderOf, type Station } from "./packet-writer.ts";
import { Shares } from "./shares.ts";
import { udpPayload } from "./udp-nat.ts";
import type { UdpSender } from "./udp-sender.ts";

export const dnsPort = 53;
/** Names without a domain, which a client asks everybody on its network for (RFC 4795). */
export const llmnr = { port: 5355, group: 0xe000_00fc } as const;
/** Of a message of DNS (RFC 1035, section 4.1.1). */
const headerBytes = 12;
const longestLabel = 63;
const typeAndClassBytes = 4;
const response = 0x8000;
const truncated = 0x0200;
const recursionAvailable = 0x0080;
const responseCode = 0x000f;
const serverFailure = 2;

/** A question of a client that is not answered yet. */
interface Question {
  source: number;
  /** Whose bounds it counts against, as {@link ownerOf} has it. */
  readonly owner: number;
  readonly giveUp: () => void;
}

/**
 * DNS and LLMNR of clients, which the resolvers of the host answer: the messages are passed on as they are, so that every type of record
 * and every extension works that the resolvers know.
 */
export class DnsProxy {
  readonly #outside: Outside;
  readonly #sender: UdpSender;
  readonly #mostPerClient: number;
  readonly #open = new Set<Question>();
  readonly #shares = new Shares<Question>(() => 0);
  /** How many each client has. */
  readonly #perClient = new Map<number, number>();

  /** @param mostPerClient questions of a client, as far as it is less than the server's own bound; 0 for none */
  constructor(outside: Outside, sender: UdpSender, mostPerClient: number) {
    this.#mostPerClient = leastBound(dnsProxyLimits.perClient, mostPerClient);
    this.#outside = outside;
    this.#sender = sender;
  }

  /** Questions that were dropped because too many were open. */
  refused = 0;

  /** Questions that are not answered yet. */
  get count(): number {
    return this.#open.size;
  }

  /**
   * Takes a UDP packet for port 53 of the virtual host, or for the port of LLMNR, which the port of the number `from` sent.
   *
   * @param host as the client knows it
   */
  receive(frame: Frame, from: number, host: Station): void {
    const query = udpPayload(frame);
    if (query === undefined || query.length < headerBytes || (read16(query, 2) & response) !== 0) return;
    const client = senderOf(frame);
    const { sourcePort: port, destinationPort: service } = frame;
    const owner = ownerOf(client.address, from);
    const count = this.#perClient.get(owner) ?? 0;
    if (count >= this.#mostPerClient) {
      this.refused++;
      return;
    }
    const { queries } = dnsProxyLimits;
    const oldest = this.#shares.inTheWay(from, this.#open.size, queries, secureNatLimits.sessionShare);
    if (oldest !== undefined) {
      oldest.giveUp();
      this.#closed(oldest);
    }
    this.#perClient.set(owner, (this.#perClient.get(owner) ?? 0) + 1);
    const giveUp = this.#outside.queryDns(query, (answer) => {
      this.#closed(question);
      const reply = service === llmnr.port ? llmnrReplyOf(answer) : (answer ?? failureOf(query));
      if (reply !== undefined) this.#sender.send(host, service, client, port, reply);
    });
    const question: Question = { source: from, owner, giveUp };
    this.#open.add(question);
    this.#shares.add(question);
  }

  close(): void {
    for (const question of this.#open) {
      question.giveUp();
      this.#closed(question);
    }
  }

  #closed(question: Question): void {
    const { owner } = question;
    if (!this.#open.delete(question)) return;
    this.#shares.delete(question);
    const left = (this.#perClient.get(owner) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(owner);
    else this.#perClient.set(owner, left);
  }
}

/** Who does not know a name says nothing; some other station may know it. The bits of the header that LLMNR has not are cleared. */
function llmnrReplyOf(answer: Buffer | undefined): Buffer | undefined {
  if (answer === undefined || answer.length < headerBytes) return undefined;
  const [flags, answers] = [read16(answer, 2), read16(answer, 6)];
  if ((flags & responseCode) !== 0 || answers === 0) return undefined;
  answer.writeUInt16BE(response | (flags & truncated), 2);
  return answer;
}

/** Tells the client that it need not wait; it asks elsewhere, or again. Clients do not believe it without their question. */
function failureOf(query: Buffer): Buffer {
  const end = questionEndOf(query);
  const answer = Buffer.from(query.subarray(0, end ?? headerBytes));
  answer.writeUInt16BE((read16(query, 2) & 0x7900) | response | recursionAvailable | serverFailure, 2);
  answer.fill(0, 4, headerBytes);
  if (end !== undefined) answer.writeUInt16BE(1, 4);
  return answer;
}

/** Where the only question of a message ends (RFC 1035, section 4.1.2); nothing for one that is cut off, or is none. */
function questionEndOf(query: Buffer): number | undefined {
  if (read16(query, 4) !== 1) return undefined;
  let at = headerBytes;
  for (let label = query[at]; label !== 0; label = query[at]) {
    if (label === undefined || label > longestLabel) return undefined;
    at += 1 + label;
  }
  const end = at + 1 + typeAndClassBytes;
  return end <= query.length ? end : undefined;
}
