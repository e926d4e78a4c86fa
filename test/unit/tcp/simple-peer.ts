import { tcpFlags } from "../../../server/ethernet/frame.ts";
import { IncomingSegment, type SegmentHeader } from "../../../server/tcp/segment.ts";

/** A segment on its way, with its payload. */
export interface Packet extends SegmentHeader {
  readonly payload: Buffer;
}

export function packet(fields: Partial<Packet>): Packet {
  return {
    sequence: 0,
    acknowledgment: 0,
    flags: tcpFlags.ack,
    window: 0xffff,
    mss: 0,
    windowScale: -1,
    sackPermitted: false,
    sackEdges: [],
    payload: Buffer.alloc(0),
    ...fields,
  };
}

/** As if it had been read from the wire. */
export function incoming(from: Packet): IncomingSegment {
  const segment = new IncomingSegment();
  segment.buffer = from.payload;
  segment.payloadAt = 0;
  segment.payloadEnd = from.payload.length;
  segment.sequence = from.sequence;
  segment.acknowledgment = from.acknowledgment;
  segment.flags = from.flags;
  segment.window = from.window;
  segment.mss = from.mss;
  segment.windowScale = from.windowScale;
  segment.sackPermitted = from.sackPermitted;
  from.sackEdges.forEach((edge, index) => (segment.sackEdges[index] = edge));
  segment.sackBlocks = from.sackEdges.length / 2;
  return segment;
}

const u32 = (value: number) => value >>> 0;
const mss = 1_000;
const windowBytes = 60_000;
const retransmitMs = 300;

/**
 * The other end, as simple as it can be and written apart from the code under test: it opens the connection, sends everything that is
 * not acknowledged again after a fixed time, keeps what comes in beyond a gap, and acknowledges each segment.
 */
export class SimplePeer {
  readonly received: Buffer[] = [];
  ended = false;
  wasReset = false;
  readonly #data: Buffer;
  readonly #send: (packet: Packet) => void;
  readonly #initial: number;
  /** Bytes of {@link #data} that are acknowledged, and that were sent since the last time-out; -1 is the SYN. */
  #acknowledged = -1;
  #sent = -1;
  #remoteInitial = 0;
  #receivedBytes = 0;
  #isOpen = false;
  readonly #beyond = new Map<number, Packet>();
  #finAt = -1;
  #window = 0;
  #retransmitAt = 0;

  constructor(data: Buffer, initialSequence: number, send: (packet: Packet) => void) {
    this.#data = data;
    this.#initial = initialSequence;
    this.#send = send;
  }

  /** Everything was said and heard. */
  get isDone(): boolean {
    return this.ended && this.#acknowledged > this.#data.length;
  }

  /** Sends what is due. */
  poll(now: number): void {
    if (this.wasReset) return;
    if (now >= this.#retransmitAt) {
      this.#sent = this.#acknowledged;
      this.#retransmitAt = now + retransmitMs;
    }
    if (this.#acknowledged === -1) {
      if (this.#sent === -1) {
        this.#sent = 0;
        this.#send(packet({ sequence: u32(this.#initial), flags: tcpFlags.syn, mss }));
      }
      return;
    }
    while (
      this.#sent <= this.#data.length &&
      (this.#sent < this.#acknowledged + this.#window || this.#window === 0)
    ) {
      const most = this.#window === 0 ? 1 : this.#acknowledged + this.#window;
      const end = Math.min(this.#sent + mss, this.#data.length, this.#window === 0 ? this.#sent + 1 : most);
      const isLast = end === this.#data.length;
      this.#send(
        packet({
          ...this.#base(this.#sent),
          flags: tcpFlags.ack | (isLast ? tcpFlags.fin : 0),
          payload: this.#data.subarray(this.#sent, end),
        }),
      );
      this.#sent = end + (isLast ? 1 : 0);
      if (this.#window === 0) break;
    }
  }

  receive(got: Packet, now: number): void {
    if ((got.flags & tcpFlags.rst) !== 0) {
      this.wasReset = true;
      return;
    }
    if ((got.flags & tcpFlags.syn) !== 0) {
      if (u32(got.acknowledgment) !== u32(this.#initial + 1)) return;
      this.#remoteInitial = got.sequence;
      this.#isOpen = true;
    }
    if (!this.#isOpen) return;
    const acknowledged = (got.acknowledgment - this.#initial - 1) | 0;
    if (acknowledged > this.#acknowledged) {
      this.#acknowledged = acknowledged;
      this.#sent = Math.max(this.#sent, acknowledged);
      this.#retransmitAt = now + retransmitMs;
    }
    this.#window = got.window;
    if ((got.flags & tcpFlags.syn) === 0) this.#take(got);
    if (
      got.payload.length > 0 ||
      (got.flags & (tcpFlags.fin | tcpFlags.syn)) !== 0 ||
      acknowledged < this.#acknowledged
    )
      this.#send(packet(this.#base(Math.max(this.#sent, 0))));
  }

  #take(got: Packet): void {
    const at = (got.sequence - this.#remoteInitial - 1) | 0;
    if ((got.flags & tcpFlags.fin) !== 0) this.#finAt = at + got.payload.length;
    if (at + got.payload.length > this.#receivedBytes) this.#beyond.set(at, got);
    for (let found = true; found;) {
      found = false;
      for (const [start, { payload }] of this.#beyond) {
        if (start > this.#receivedBytes) continue;
        this.#beyond.delete(start);
        found = true;
        if (start + payload.length <= this.#receivedBytes) continue;
        const fresh = payload.subarray(this.#receivedBytes - start);
        this.received.push(fresh);
        this.#receivedBytes += fresh.length;
      }
    }
    if (this.#finAt === this.#receivedBytes) this.ended = true;
  }

  #base(at: number): Partial<Packet> {
    return {
      sequence: u32(this.#initial + 1 + at),
      acknowledgment: u32(this.#remoteInitial + 1 + this.#receivedBytes + (this.ended ? 1 : 0)),
      window: windowBytes,
    };
  }
}
