import { tcpFlags } from "../ethernet/frame.ts";
import { tcpLimits } from "../limits.ts";
import { Ranges } from "./ranges.ts";
import { Reassembly } from "./reassembly.ts";
import { RetransmissionTimeout } from "./retransmission-timeout.ts";
import { positionOf, sequenceOf, type Position } from "./sequence.ts";
import type { IncomingSegment, SegmentHeader } from "./segment.ts";
import { SendQueue } from "./send-queue.ts";

/** Bytes of the payload in a segment to a peer that names no other size (RFC 9293, section 3.7.1). */
const defaultMss = 536;
/** Largest window without scaling. */
const mostUnscaledWindow = 0xffff;
/** Bytes of segments that reached the peer out of order before one that has not is taken for lost, in segments (RFC 5681). */
const reorderingSegments = 3;
/** First congestion window in segments (RFC 6928). */
const firstWindowSegments = 10;
const mostSackBlocks = 3;

/** What a connection is made of besides the peer's SYN. */
export interface TcpConnectionOptions {
  /** Milliseconds that only go up. */
  readonly now: () => number;
  /** First sequence number of this end, which nobody can guess: 32 bits. */
  readonly initialSequence: number;
  /** Largest payload that this end takes in a segment. */
  readonly mss: number;
  /** What the peer may send before it is dealt with, at this moment; tcpLimits.receiveBytes at most, and without it. */
  readonly receiveBytes?: () => number;
  /** Sends a segment with `bytes` of the queue from `position` on; both are valid during the call only. */
  readonly send: (header: SegmentHeader, queue: SendQueue, position: Position, bytes: number) => void;
  readonly events: TcpEvents;
}

/** What comes of it, always from within a call of the connection. */
export interface TcpEvents {
  /**
   * The peer's next bytes, from `start` to `end`, valid during the call. They count against the window until they are said to be
   * {@link TcpConnection.consumed}.
   */
  data(buffer: Buffer, start: number, end: number): void;
  /** The peer has sent everything; this end may go on. */
  ended(): void;
  /** The peer has acknowledged some of what was written. */
  acknowledged(): void;
  /** It is over; nothing comes after. */
  closed(reason: TcpEnd): void;
}

/** `done`: both ends have said all and know that of each other. `timeout`: the peer does not answer any more. */
export type TcpEnd = "done" | "reset" | "timeout" | "aborted";

/** As `vpncmd` knows them. */
export type TcpState = "connecting" | "established" | "closing" | "time-wait" | "closed";

/**
 * The end of a TCP connection that the peer has opened (RFC 9293), over segments: sliding windows with scaling (RFC 7323), selective
 * acknowledgement (RFC 2018, 6675), congestion control (RFC 5681, 6582), and protection against segments that somebody made up
 * (RFC 5961). It owns no timer: {@link deadline} says when {@link timeout} is to be called.
 */
export class TcpConnection {
  readonly #options: TcpConnectionOptions;
  /** Segments to the peer have at most so many bytes of payload. */
  readonly #mss: number;
  readonly #sackPermitted: boolean;
  /** Of the windows that the peer tells; -1 when neither end scales. */
  readonly #peerScale: number;

  // What this end sends. Positions: the SYN has the first one, the FIN that behind the last byte.
  readonly #first: Position;
  readonly #queue: SendQueue;
  /** Everything before is acknowledged. */
  #unacknowledged: Position;
  /** Everything from here on has never been sent. */
  #next: Position;
  #isAccepted = false;
  #finWanted = false;
  /** The peer had said everything before: when it acknowledges this end's FIN, it needs nothing more. */
  #endedSecond = false;
  /** Behind what the peer takes. */
  #windowEnd: Position;
  /** Segment by which the window was last told, so that no older one takes it back (RFC 9293, SND.WL1 and WL2). */
  #windowAt: Position;
  #windowAck: Position;

  // Congestion and loss.
  #congestionWindow: number;
  #slowStartThreshold = Infinity;
  /** What the peer has beyond {@link #unacknowledged}. */
  readonly #sacked = new Ranges(tcpLimits.sackRanges);
  #duplicates = 0;
  /** Until everything before is acknowledged, lost segments are sent again, and the window is not made smaller once more. */
  #recoveryEnd: Position = -1;
  /** What is not {@link #sacked} before is lost, and from {@link #retransmitFrom} on has not been sent again. */
  #lostBefore: Position = -1;
  #retransmitFrom: Position = -1;
  /** The loss was told by a timer, not by acknowledgements. */
  #timedOut = false;
  readonly #retransmission = new RetransmissionTimeout();
  /** A segment whose acknowledgement is waited for to measure the time; -1 for none. */
  #timedEnd: Position = -1;
  #timedAt = 0;
  #retries = 0;
  #retransmitAt = Infinity;
  /** For a window that stays closed, or a peer that is silent. */
  #probeAt = Infinity;
  #probes = 0;

  // What the peer sends.
  #received: Position;
  /** Behind the window that was told last; it never goes back. */
  #told: Position;
  readonly #reassembly = new Reassembly({ pieces: tcpLimits.reassemblyPieces, ranges: tcpLimits.sackRanges });
  #unconsumed = 0;
  /** Where the peer's FIN stands; -1 until it came. */
  #peerFin: Position = -1;
  #peerEnded = false;
  #ackWanted = false;
  /** Acknowledgements to what looks like an attack go out at most once in a while (RFC 5961, section 7). */
  #challengedAt = -Infinity;

  #closed = false;
  #timeWaitUntil = Infinity;

  /** @param syn the peer's first segment */
  constructor(syn: IncomingSegment, options: TcpConnectionOptions) {
    this.#options = options;
    this.#mss = Math.max(Math.min(syn.mss || defaultMss, options.mss), tcpLimits.leastMss);
    this.#sackPermitted = syn.sackPermitted;
    this.#peerScale = syn.windowScale;
    this.#first = options.initialSequence;
    this.#queue = new SendQueue(this.#first + 1);
    this.#unacknowledged = this.#first;
    this.#next = this.#first;
    this.#received = syn.sequence + 1;
    this.#told = this.#received;
    this.#windowAt = syn.sequence;
    this.#windowAck = this.#first;
    // A window in a segment with SYN is never scaled.
    this.#windowEnd = this.#first + 1 + syn.window;
    this.#congestionWindow = firstWindowSegments * this.#mss;
  }

  get state(): TcpState {
    if (this.#closed) return "closed";
    if (this.#timeWaitUntil !== Infinity) return "time-wait";
    if (!this.#isAccepted || this.#unacknowledged === this.#first) return "connecting";
    return this.#finWanted || this.#peerEnded ? "closing" : "established";
  }

  /** Bytes that were written and are not acknowledged: what this end holds for the peer. */
  get pending(): number {
    return this.#queue.end - this.#queue.start;
  }

  /** When {@link timeout} is to be called, by the clock of the options; Infinity for never. */
  get deadline(): number {
    if (this.#closed) return Infinity;
    return Math.min(this.#retransmitAt, this.#probeAt, this.#timeWaitUntil);
  }

  /** Answers the SYN: the connection may begin. */
  accept(): void {
    if (this.#isAccepted || this.#closed) return;
    this.#isAccepted = true;
    this.#sendSyn();
    this.#next = this.#first + 1;
    this.#timedEnd = this.#next;
    this.#timedAt = this.#options.now();
    this.#retransmitAt = this.#timedAt + this.#retransmission.ms;
  }

  /** Gives the peer these bytes, which are read during the call. */
  write(bytes: Buffer): void {
    if (this.#closed || this.#finWanted) return;
    this.#queue.append(bytes);
    this.#output();
  }

  /** Nothing more will be written; what was is still delivered. */
  end(): void {
    if (this.#closed || this.#finWanted) return;
    this.#finWanted = true;
    this.#output();
  }

  /** Ends at once, and tells the peer. To a SYN that is not answered, this says that nobody listens. */
  abort(): void {
    if (this.#closed) return;
    if (this.#timeWaitUntil === Infinity) this.#sendControl(tcpFlags.rst | tcpFlags.ack, this.#next);
    this.#close("aborted");
  }

  /** So many bytes of what came in are dealt with: the peer may send as many more. */
  consumed(bytes: number): void {
    this.#unconsumed -= bytes;
    const limit = this.#windowLimit();
    // Told only if it is worth a segment (RFC 9293, section 3.8.6.2.2), and to a peer that has used half of what it was told: it learns
    // of the rest by the answer to what it sends next.
    const isWorth = limit - this.#told >= Math.min(this.#receiveBytes() / 2, 2 * this.#mss);
    if (isWorth && limit - this.#received >= 2 * (this.#told - this.#received)) this.#ackWanted = true;
  }

  /** Acknowledges what has to be; to be called when the segments at hand are through, and after {@link consumed}. */
  flush(): void {
    if (this.#ackWanted && !this.#closed && this.#isAccepted) this.#sendAck();
  }

  /** Takes a segment of the peer. */
  receive(segment: IncomingSegment): void {
    if (this.#closed) return;
    const at = positionOf(segment.sequence, this.#received);
    if (segment.has("rst")) this.#receiveReset(at);
    else if (segment.has("syn")) this.#receiveSyn(at);
    else if (segment.has("ack") && this.#isAccepted) this.#receiveOther(at, segment);
  }

  /** To be called when the time of {@link deadline} has come. */
  timeout(): void {
    const now = this.#options.now();
    if (this.#closed) return;
    if (now >= this.#timeWaitUntil) this.#close("done");
    else if (now >= this.#retransmitAt) this.#retransmitAfterTimeout(now);
    else if (now >= this.#probeAt) this.#probe(now);
  }

  #receiveReset(at: Position): void {
    if (at === this.#received) this.#close("reset");
    else if (at > this.#received && at < this.#told) this.#challenge();
  }

  #receiveSyn(at: Position): void {
    if (!this.#isAccepted) return;
    if (this.#unacknowledged === this.#first && at === this.#received - 1) this.#sendSyn();
    else this.#challenge();
  }

  #receiveOther(at: Position, segment: IncomingSegment): void {
    const acknowledged = positionOf(segment.acknowledgment, this.#unacknowledged);
    if (acknowledged > this.#next || acknowledged < this.#unacknowledged - tcpLimits.receiveBytes * 4) {
      this.#challenge();
      return;
    }
    const bytes = segment.payloadEnd - segment.payloadAt;
    const end = at + bytes + (segment.has("fin") ? 1 : 0);
    // Nothing of it is in the window: an old segment, or a probe, which wants to know where this end is.
    if (end < this.#received || at > this.#told || (end === this.#received && at < end)) {
      this.#ackWanted = true;
      if (this.#timeWaitUntil !== Infinity) this.#startTimeWait();
      if (at > this.#told) return;
    }
    this.#probes = 0;
    this.#acknowledge(acknowledged, at, bytes, segment);
    if (this.#isOver()) return;
    if (bytes > 0) this.#take(at, segment);
    if (segment.has("fin") && this.#peerFin < 0 && end - 1 >= this.#received) this.#peerFin = end - 1;
    if (this.#peerFin === this.#received) {
      this.#received++;
      this.#peerEnded = true;
      this.#ackWanted = true;
      this.#options.events.ended();
    }
    if (this.#isOver()) return;
    this.#output();
    this.#finish();
  }

  /** An event may have ended the connection. */
  #isOver(): boolean {
    return this.#closed;
  }

  #take(at: Position, { buffer, payloadAt, payloadEnd }: IncomingSegment): void {
    const known = Math.max(this.#received - at, 0);
    const start = payloadAt + known;
    const end = Math.min(payloadEnd, payloadAt + this.#told - at);
    const wasWanted = this.#ackWanted;
    // Also for what the window has no room for: the peer wants to know when there is.
    this.#ackWanted = true;
    if (start >= end || this.#peerEnded) return;
    if (at > this.#received) {
      // A range that grows is told of once for a turn, before another one takes its place among the few that can be told.
      if (wasWanted && !this.#reassembly.continuesAt(at)) this.#sendAck();
      this.#reassembly.add(at, buffer, start, end);
      // Else the peer counts the answers, which tell it of the gap (RFC 5681, section 3.2).
      if (this.#sackPermitted) this.#ackWanted = true;
      else this.#sendAck();
      return;
    }
    const hadGap = this.#reassembly.ranges.count > 0;
    this.#received += end - start;
    this.#unconsumed += end - start;
    this.#options.events.data(buffer, start, end);
    if (!hadGap || this.#closed) return;
    this.#received = this.#reassembly.take(this.#received, (bytes) => {
      this.#unconsumed += bytes.length;
      if (!this.#closed) this.#options.events.data(bytes, 0, bytes.length);
    });
  }

  #acknowledge(acknowledged: Position, at: Position, bytes: number, segment: IncomingSegment): void {
    const windowEnd = acknowledged + (segment.window << Math.max(this.#scaled() ? this.#peerScale : 0, 0));
    const isWindowNews = at > this.#windowAt || (at === this.#windowAt && acknowledged >= this.#windowAck);
    const windowChanged = isWindowNews && windowEnd !== this.#windowEnd;
    if (isWindowNews) {
      this.#windowAt = at;
      this.#windowAck = acknowledged;
      this.#windowEnd = windowEnd;
    }
    const newlySacked = this.#readSack(segment);
    const advance = acknowledged - this.#unacknowledged;
    if (advance > 0) {
      this.#advance(acknowledged, advance);
    } else if (
      acknowledged === this.#unacknowledged &&
      this.#next > this.#unacknowledged &&
      bytes === 0 &&
      !segment.has("fin") &&
      (this.#sackPermitted ? newlySacked : !windowChanged)
    ) {
      this.#duplicates++;
    }
    this.#detectLoss();
  }

  #advance(acknowledged: Position, advance: number): void {
    const now = this.#options.now();
    if (this.#timedEnd >= 0 && acknowledged >= this.#timedEnd) {
      this.#retransmission.measured(now - this.#timedAt);
      this.#timedEnd = -1;
    }
    this.#retransmission.answered();
    this.#retries = 0;
    const inFlight = this.#next - this.#unacknowledged;
    this.#unacknowledged = acknowledged;
    this.#sacked.removeBelow(acknowledged);
    this.#duplicates = 0;
    this.#retransmitAt = acknowledged < this.#next ? now + this.#retransmission.ms : Infinity;
    if (this.#recoveryEnd >= 0) {
      if (acknowledged >= this.#recoveryEnd) {
        this.#recoveryEnd = -1;
        this.#lostBefore = -1;
        this.#timedOut = false;
      } else {
        this.#retransmitFrom = Math.max(this.#retransmitFrom, acknowledged);
        // Without selective acknowledgement, this much is known: the next one is missing too (RFC 6582).
        if (!this.#sackPermitted && !this.#timedOut) {
          this.#retransmitFrom = acknowledged;
          this.#lostBefore = acknowledged + this.#mss;
        }
      }
    }
    // It grows only if it was what kept this end from sending more.
    if ((this.#recoveryEnd < 0 || this.#timedOut) && 2 * inFlight >= this.#congestionWindow)
      this.#grow(advance);
    const before = this.#queue.start;
    this.#queue.drop(acknowledged);
    if (this.#queue.start > before) this.#options.events.acknowledged();
  }

  #grow(acknowledged: number): void {
    const growth =
      this.#congestionWindow < this.#slowStartThreshold
        ? Math.min(acknowledged, 2 * this.#mss)
        : Math.max((this.#mss * acknowledged) / this.#congestionWindow, 1);
    this.#congestionWindow = Math.min(this.#congestionWindow + growth, tcpLimits.congestionBytes);
  }

  /** @returns whether the peer has something that it had not */
  #readSack({ sackBlocks, sackEdges }: IncomingSegment): boolean {
    if (!this.#sackPermitted || sackBlocks === 0) return false;
    const before = this.#sacked.bytes;
    for (let block = 0; block < sackBlocks; block++) {
      const start = positionOf(sackEdges[2 * block] as number, this.#unacknowledged);
      const end = positionOf(sackEdges[2 * block + 1] as number, this.#unacknowledged);
      // What is acknowledged already tells of a duplicate (RFC 2883).
      if (start > this.#unacknowledged && end > start && end <= this.#next) this.#sacked.add(start, end);
    }
    return this.#sacked.bytes > before;
  }

  #detectLoss(): void {
    const reordered = reorderingSegments * this.#mss;
    const isLost =
      this.#duplicates >= reorderingSegments ||
      (this.#sacked.count > 0 && this.#sacked.last - this.#unacknowledged > reordered);
    if (this.#recoveryEnd < 0) {
      if (!isLost || this.#unacknowledged === this.#first) return;
      this.#recoveryEnd = this.#next;
      this.#timedOut = false;
      this.#slowStartThreshold = Math.max((this.#next - this.#unacknowledged) / 2, 2 * this.#mss);
      this.#congestionWindow = this.#slowStartThreshold;
      this.#retransmitFrom = this.#unacknowledged;
      this.#lostBefore = Math.min(this.#unacknowledged + this.#mss, this.#next);
    }
    if (this.#sacked.count > 0) {
      this.#lostBefore = Math.max(this.#lostBefore, this.#sacked.last - reordered);
    }
  }

  /** Bytes that are on their way as far as is known. */
  #inFlight(): number {
    let bytes = this.#next - this.#unacknowledged - this.#sacked.bytes;
    if (this.#retransmitFrom < this.#lostBefore)
      bytes -= this.#sacked.missing(this.#retransmitFrom, this.#lostBefore);
    return bytes;
  }

  /** Sends what may be sent: what was lost first. */
  #output(): void {
    if (!this.#isAccepted || this.#unacknowledged === this.#first) return;
    while (this.#retransmitFrom < this.#lostBefore && this.#mayRetransmit()) this.#retransmitNext();
    const lastByte = this.#queue.end;
    for (;;) {
      const within = Math.min(lastByte, this.#windowEnd);
      const room = Math.floor(this.#congestionWindow - this.#inFlight());
      const bytes = Math.min(within - this.#next, this.#mss);
      const isEnd = this.#finWanted && this.#next <= lastByte && this.#next + Math.max(bytes, 0) === lastByte;
      if (bytes <= 0 && !isEnd) break;
      if (room < Math.min(bytes, this.#mss)) break;
      // A window that lets only a bit of it through is waited for, unless nothing would tell when it opens.
      if (
        bytes > 0 &&
        bytes < this.#mss &&
        this.#next + bytes < lastByte &&
        this.#next > this.#unacknowledged
      )
        break;
      this.#sendNew(Math.max(bytes, 0), isEnd);
    }
    this.#setProbe();
  }

  /** In a recovery the first segment goes out whatever the window. */
  #mayRetransmit(): boolean {
    return this.#retransmitFrom === this.#unacknowledged || this.#inFlight() < this.#congestionWindow;
  }

  #sendNew(bytes: number, isEnd: boolean): void {
    const at = this.#next;
    this.#next += bytes + (isEnd ? 1 : 0);
    if (isEnd) this.#endedSecond = this.#peerEnded;
    const now = this.#options.now();
    if (this.#timedEnd < 0) {
      this.#timedEnd = this.#next;
      this.#timedAt = now;
    }
    if (this.#retransmitAt === Infinity) this.#retransmitAt = now + this.#retransmission.ms;
    this.#sendData(at, bytes, isEnd);
  }

  #retransmitNext(): void {
    let at = this.#retransmitFrom;
    const index = this.#sacked.indexAt(at + 1);
    const isRange = index < this.#sacked.count;
    if (isRange && this.#sacked.start(index) <= at) {
      this.#retransmitFrom = this.#sacked.end(index);
      return;
    }
    at = Math.max(at, this.#unacknowledged);
    const gapEnd = isRange ? this.#sacked.start(index) : this.#next;
    const bytes = Math.min(gapEnd, this.#queue.end, at + this.#mss) - at;
    const isEnd = this.#next > this.#queue.end && at + Math.max(bytes, 0) === this.#queue.end;
    if (bytes <= 0 && !isEnd) {
      this.#retransmitFrom = this.#lostBefore;
      return;
    }
    this.#retransmitFrom = at + Math.max(bytes, 0) + (isEnd ? 1 : 0);
    // Which of the two an acknowledgement is for cannot be told (Karn's rule).
    this.#timedEnd = -1;
    this.#sendData(at, Math.max(bytes, 0), isEnd);
  }

  #retransmitAfterTimeout(now: number): void {
    if (++this.#retries > tcpLimits.retries) {
      this.#giveUp();
      return;
    }
    this.#retransmission.passed();
    this.#retransmitAt = now + this.#retransmission.ms;
    this.#timedEnd = -1;
    if (this.#unacknowledged === this.#first) {
      this.#sendSyn();
      return;
    }
    // What the peer had it may have thrown away (RFC 2018, section 8).
    this.#sacked.clear();
    if (!this.#timedOut) {
      this.#slowStartThreshold = Math.max((this.#next - this.#unacknowledged) / 2, 2 * this.#mss);
    }
    this.#timedOut = true;
    this.#duplicates = 0;
    this.#congestionWindow = this.#mss;
    this.#recoveryEnd = this.#next;
    this.#retransmitFrom = this.#unacknowledged;
    this.#lostBefore = this.#next;
    this.#output();
  }

  /** A segment that the peer has to answer, with the window that it has now. */
  #probe(now: number): void {
    if (++this.#probes > tcpLimits.probes) {
      this.#giveUp();
      return;
    }
    this.#probeAt = now + this.#probeMs();
    this.#sendControl(tcpFlags.ack, this.#unacknowledged - 1);
  }

  #setProbe(): void {
    this.#probeAt = this.#next > this.#unacknowledged ? Infinity : this.#options.now() + this.#probeMs();
  }

  /** Soon when the peer's window keeps something waiting, else to see whether it is still there. */
  #probeMs(): number {
    const waits = this.#queue.end > this.#next;
    const base = waits ? this.#retransmission.ms : tcpLimits.keepAliveMs;
    return Math.min(base * 2 ** this.#probes, waits ? tcpLimits.mostProbeMs : base);
  }

  /** Both ends know that both have said everything. */
  #finish(): void {
    const isFinAcknowledged = this.#finWanted && this.#unacknowledged > this.#queue.end;
    if (!isFinAcknowledged || !this.#peerEnded || this.#timeWaitUntil !== Infinity) return;
    this.flush();
    if (this.#endedSecond) this.#close("done");
    else this.#startTimeWait();
  }

  /** The peer may not know yet that its FIN arrived, and asks again. */
  #startTimeWait(): void {
    this.#retransmitAt = Infinity;
    this.#probeAt = Infinity;
    this.#timeWaitUntil = this.#options.now() + tcpLimits.timeWaitMs;
  }

  #giveUp(): void {
    this.#sendControl(tcpFlags.rst | tcpFlags.ack, this.#next);
    this.#close("timeout");
  }

  #close(reason: TcpEnd): void {
    this.#closed = true;
    this.#queue.drop(Infinity);
    this.#reassembly.clear();
    this.#options.events.closed(reason);
  }

  #challenge(): void {
    const now = this.#options.now();
    if (!this.#isAccepted || now - this.#challengedAt < tcpLimits.challengeMs) return;
    this.#challengedAt = now;
    this.#sendAck();
  }

  #sendSyn(): void {
    const isScaled = this.#scaled();
    this.#told = Math.max(this.#told, this.#received + Math.min(this.#receiveBytes(), mostUnscaledWindow));
    this.#emit(
      {
        sequence: sequenceOf(this.#first),
        acknowledgment: sequenceOf(this.#received),
        flags: tcpFlags.syn | tcpFlags.ack,
        window: Math.min(this.#receiveBytes(), mostUnscaledWindow),
        mss: this.#options.mss,
        windowScale: isScaled ? tcpLimits.windowScale : -1,
        sackPermitted: this.#sackPermitted,
        sackEdges: [],
      },
      this.#queue.start,
      0,
    );
  }

  #sendAck(): void {
    this.#sendControl(tcpFlags.ack, this.#next);
  }

  #sendControl(flags: number, at: Position): void {
    this.#emit(this.#header(flags, at), this.#queue.start, 0);
  }

  #sendData(at: Position, bytes: number, isEnd: boolean): void {
    const isLast = at + bytes === this.#queue.end;
    const flags = tcpFlags.ack | (isLast && bytes > 0 ? tcpFlags.psh : 0) | (isEnd ? tcpFlags.fin : 0);
    this.#emit(this.#header(flags, at), at, bytes);
  }

  #header(flags: number, at: Position): SegmentHeader {
    this.#ackWanted = false;
    const shift = this.#scaled() ? tcpLimits.windowScale : 0;
    const window = Math.min((this.#windowLimit() - this.#received) >>> shift, mostUnscaledWindow);
    this.#told = Math.max(this.#told, this.#received + (window << shift));
    const blocks = this.#sackPermitted && this.#reassembly.ranges.count > 0;
    return {
      sequence: sequenceOf(at),
      acknowledgment: sequenceOf(this.#received),
      flags,
      window,
      mss: 0,
      windowScale: -1,
      sackPermitted: false,
      sackEdges: blocks ? this.#reassembly.blocks(mostSackBlocks).map(sequenceOf) : none,
    };
  }

  #emit(header: SegmentHeader, at: Position, bytes: number): void {
    this.#options.send(header, this.#queue, at, bytes);
  }

  #scaled(): boolean {
    return this.#peerScale >= 0;
  }

  /** Behind what this end takes at present; never before what it once told. */
  #windowLimit(): Position {
    return Math.max(this.#told, this.#received + Math.max(this.#receiveBytes() - this.#unconsumed, 0));
  }

  #receiveBytes(): number {
    return Math.min(this.#options.receiveBytes?.() ?? Infinity, tcpLimits.receiveBytes);
  }
}

const none: readonly number[] = [];
