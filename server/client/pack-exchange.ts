import type { TLSSocket } from "node:tls";
import { DecodeError } from "../wire/decode-error.ts";
import { HttpReader } from "../wire/http-head.ts";
import { PackResponseReader } from "../wire/pack-message.ts";
import type { Pack } from "../wire/pack.ts";

/** What `decode` makes of an answer; one that it cannot understand is none of a VPN server. */
export function decodeAnswer<Answer>(decode: () => Answer): Answer {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new Error(`no VPN server: ${error.message}`, { cause: error });
  }
}

/** Requests of a client and the PACKs that answer them, one at a time, on an encrypted connection. */
export class PackExchange {
  readonly #tls: TLSSocket;
  readonly #http = new HttpReader();
  readonly #response = new PackResponseReader(this.#http);

  constructor(tls: TLSSocket) {
    this.#tls = tls;
  }

  /**
   * @param request HTTP, in bytes
   * @throws Error when the answer is no PACK, or the connection ends before it
   */
  ask(request: Buffer): Promise<Pack> {
    const tls = this.#tls;
    return new Promise<Pack>((resolve, reject) => {
      const receive = (chunk: Buffer) => {
        try {
          this.#http.push(chunk);
          const pack = decodeAnswer(() => this.#response.read());
          if (pack !== undefined) settle(() => resolve(pack));
        } catch (error) {
          const reason = error instanceof Error ? error : new Error(String(error));
          settle(() => reject(reason));
        }
      };
      const closed = () => settle(() => reject(new Error("the connection was closed before the answer")));
      const failed = (error: Error) => settle(() => reject(error));
      const settle = (how: () => void) => {
        tls.off("data", receive).off("close", closed).off("error", failed).pause();
        how();
      };
      tls.on("data", receive).once("close", closed).once("error", failed).resume();
      tls.write(request);
    });
  }

  /** What came in behind the last answer. */
  takeRest(): Buffer {
    return this.#http.takeRest();
  }
}
