import { connect } from "node:net";
import { someBytes } from "./some-bytes.ts";

/** What a connection of `tcp-client.ts` is to be; the defaults are those of a client that sends everything and then reads to the end. */
export interface TcpClientOptions {
  readonly address: string;
  readonly port: number;
  /** Connections at the same time. @default 1 */
  readonly count?: number;
  readonly bytes?: number;
  /** Says that this is all only when the other end has said so. @default false */
  readonly endsLast?: boolean;
  /** Breaks off after so many bytes have come. */
  readonly resetsAfter?: number;
}

/** What became of it. */
export interface TcpClientOutcome {
  readonly connected: boolean;
  readonly received: number;
  /** The beginning of what came. */
  readonly text: string;
  /** Whether the other end said that this is all. */
  readonly ended: boolean;
  readonly end: string;
  readonly ms: number;
}

/** Connects as the JSON of its argument says, and prints what became of each connection in a line of JSON. */
const {
  address,
  port,
  count = 1,
  bytes = 0,
  endsLast = false,
  resetsAfter = Infinity,
} = JSON.parse(process.argv[2] ?? "") as TcpClientOptions;
for (let index = 0; index < count; index++) {
  const begun = performance.now();
  let outcome: TcpClientOutcome = {
    connected: false,
    received: 0,
    text: "",
    ended: false,
    end: "done",
    ms: 0,
  };
  const note = (change: Partial<TcpClientOutcome>) => void (outcome = { ...outcome, ...change });
  const socket = connect({ host: address, port, allowHalfOpen: true })
    .on("connect", () => {
      note({ connected: true });
      for (const each of someBytes(bytes)) socket.write(each);
      if (!endsLast) socket.end();
    })
    .on("data", (chunk) => {
      note({
        received: outcome.received + chunk.length,
        text: (outcome.text + chunk.toString("latin1")).slice(0, 20),
      });
      if (outcome.received >= resetsAfter) socket.resetAndDestroy();
    })
    .on("end", () => {
      note({ ended: true });
      if (endsLast) socket.end();
    })
    .on("error", (error: NodeJS.ErrnoException) => note({ end: error.code ?? error.message }))
    .on("close", () =>
      console.log(JSON.stringify({ ...outcome, ms: Math.round(performance.now() - begun) })),
    );
}
