import { createHash } from "node:crypto";
import { join } from "node:path";
import type { HubLog } from "../hub/hub.ts";
import type { Logger } from "../logger.ts";
import { DailyLog } from "./daily-log.ts";

export interface LogWriterOptions {
  /** Holds `security_log/` and `packet_log/`. */
  readonly directory: string;
  /** Where it is told that a log cannot be written. */
  readonly log: Logger;
  /** Unix time in milliseconds. */
  readonly unixNow?: () => number;
}

/**
 * Writes the logs of the hubs: `security_log/<HUB>/sec_YYYYMMDD.log`, lines `YYYY-MM-DD hh:mm:ss.mmm text`, and
 * `packet_log/<HUB>/pkt_YYYYMMDD.log`, lines `YYYY-MM-DD,hh:mm:ss.mmm,columns`. Local time, CRLF. Source: `Cedar/Logging.c`.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  /** By path. A hub that is made again goes on with its files. */
  readonly #logs = new Map<string, DailyLog>();
  readonly #waiting = { bytes: 0 };

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  createHubLog(hubName: string): HubLog {
    const folder = folderNameOf(hubName);
    const security = this.#open(join("security_log", folder), "sec", [" ", " "]);
    const packet = this.#open(join("packet_log", folder), "pkt", [",", ","]);
    return {
      security: (message) => security.write(message),
      packet: (line) => packet.write(line),
    };
  }

  /** Resolves when every line is written or dropped. */
  async flush(): Promise<void> {
    await Promise.all(Array.from(this.#logs.values(), (log) => log.flush()));
  }

  #open(folder: string, prefix: string, separators: readonly [string, string]): DailyLog {
    const { directory, log, unixNow = Date.now } = this.#options;
    const known = this.#logs.get(folder);
    if (known !== undefined) return known;
    const path = join(directory, folder);
    const opened = new DailyLog({
      directory: path,
      prefix,
      unixNow,
      separators,
      waiting: this.#waiting,
      onError: (message) => log.warn(`cannot write the log in ${path}: ${message}; lines are dropped`),
    });
    this.#logs.set(folder, opened);
    return opened;
  }
}

/** Longest name of a folder, in bytes, less room for what tells it from others. */
const longestName = 200;

/**
 * The folder of a hub's logs: its name, where that is one that a file may have; otherwise what is left of it, and a hash, so
 * that no two hubs share a folder.
 */
export function folderNameOf(hubName: string): string {
  const safe = hubName
    .replace(/[^\p{L}\p{N} ()_#%&.-]/gu, "_")
    .replace(/^[. ]+|[. ]+$/g, (edge) => "_".repeat(edge.length));
  let cut = safe;
  while (Buffer.byteLength(cut) > longestName) cut = cut.slice(0, -1);
  if (cut === hubName && cut !== "") return cut;
  return `${cut}~${createHash("sha256").update(hubName).digest("hex").slice(0, 16)}`;
}
