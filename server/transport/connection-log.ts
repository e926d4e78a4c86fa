import { connectionLimits } from "../limits.ts";

/** What is told of a connection at its begin. */
export interface ConnectionBegin {
  /** Such as `CID-7`. */
  readonly name: string;
  readonly peer: { readonly address: string; readonly port: number };
  /** TCP port of the listener. */
  readonly port: number;
  /** Such as `TLSv1.3, TLS_AES_256_GCM_SHA384`. */
  readonly encryption: string;
}

/**
 * Tells of connections, a line at the begin of each and one at its end. The network can make any number of them: of those
 * beyond the bound of a minute only their number is told.
 */
export class ConnectionLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #linesPerMinute: number;
  #minute = { beganAt: -Infinity, lines: 0, leftOut: 0 };

  /** @param now milliseconds of a clock that is never set */
  constructor(
    write: (line: string) => void,
    now: () => number,
    linesPerMinute: number = connectionLimits.logLines,
  ) {
    this.#write = write;
    this.#now = now;
    this.#linesPerMinute = linesPerMinute;
  }

  began({ name, peer, port, encryption }: ConnectionBegin): void {
    this.#tell(
      `Connection "${name}": began from ${peer.address}, port ${peer.port}, to TCP port ${port}; encrypted by ${encryption}.`,
    );
  }

  ended(name: string): void {
    this.#tell(`Connection "${name}": ended.`);
  }

  #tell(line: string): void {
    const now = this.#now();
    if (now - this.#minute.beganAt >= 60_000) {
      const { leftOut } = this.#minute;
      this.#minute = { beganAt: now, lines: 0, leftOut: 0 };
      if (leftOut > 0) this.#write(`Connections began and ended: ${leftOut} lines more, which are left out.`);
    }
    if (this.#minute.lines >= this.#linesPerMinute) {
      this.#minute.leftOut++;
      return;
    }
    this.#minute.lines++;
    this.#write(line);
  }
}
