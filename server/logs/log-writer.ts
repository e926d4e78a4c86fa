import { createHash } from "node:crypto";
import { join } from "node:path";
import type { HubEvent, HubLog, LineAsItIs } from "../hub/hub-log.ts";
import { defaultHubLog, type HubLogSettings, type LogTurnover } from "../settings/hub-settings.ts";
import { logLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { eventLine, type ServerLog } from "../server-log.ts";
import { LineBudget } from "./line-budget.ts";
import { logDisk, type LogDisk } from "./log-disk.ts";
import { RollingLog } from "./rolling-log.ts";

/** Kinds of logs by their names on the way to a syslog server. */
export type SyslogKind = "SERVER_LOG" | "SECURITY_LOG" | "PACKET_LOG";

interface LoggingHub {
  readonly name: string;
  readonly log: HubLogSettings;
}

export interface LogWriterOptions {
  /** Holds `server_log/`, `security_log/` and `packet_log/`. */
  readonly directory: string;
  /** The journal: what the server says, events, and that a log cannot be written. */
  readonly log: Logger;
  /** The hubs as they are set now; the same object as long as nothing has changed. */
  readonly hubs?: () => readonly LoggingHub[];
  /** Takes a copy of each line. */
  readonly syslog?: (kind: SyslogKind, hubName: string | undefined, text: string) => void;
  /** Told of what goes to the disk, in bytes. */
  readonly onWritten?: (bytes: number) => void;
  /** Unix time in milliseconds. */
  readonly unixNow?: () => number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
  readonly disk?: LogDisk;
  /** Size beyond which a file is not appended to. */
  readonly fileBytes?: number;
}

/** Of the official server, whose server log has no such setting. */
const serverTurnover = () => "day" as const;

/**
 * Writes the logs of server and hubs, in local time, with CRLF (`Cedar/Logging.c`):
 *
 *     server_log/vpn_YYYYMMDD.log         YYYY-MM-DD hh:mm:ss.mmm text
 *     security_log/<HUB>/sec_YYYYMMDD.log YYYY-MM-DD hh:mm:ss.mmm text
 *     packet_log/<HUB>/pkt_YYYYMMDD.log   YYYY-MM-DD,hh:mm:ss.mmm,columns
 *
 * What goes to the security log of a hub goes to the server log too.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  /** By path. A hub that is made again goes on with its files. */
  readonly #logs = new Map<string, RollingLog>();
  readonly #waiting = { bytes: 0 };
  readonly #budget: LineBudget;
  #hubs: readonly LoggingHub[] | undefined;
  /** By name in lower case, of {@link #hubs}. */
  #hubLogs: ReadonlyMap<string, HubLogSettings> = new Map();

  constructor(options: LogWriterOptions) {
    this.#options = options;
    const { log, now = () => performance.now() } = options;
    this.#budget = new LineBudget(now, (text) => {
      log.info(text);
      this.#createServerWriter()(text);
    });
  }

  /** Tells of lines that were left out in minutes that are over; to be called every now and then. */
  look(): void {
    this.#budget.look();
  }

  /** The log of the server itself, which goes to the journal too. */
  createServerLog(): ServerLog {
    const { log } = this.#options;
    const write = this.#createServerWriter();
    const both = (level: keyof Logger) => (text: string) => {
      log[level](text);
      write(text);
    };
    return {
      info: both("info"),
      warn: both("warn"),
      error: both("error"),
      event: (text, event) => {
        if (!this.#admits(event)) return;
        log.info(isAsItIs(event) ? text : eventLine(event));
        write(text);
      },
      detail: write,
    };
  }

  createHubLog(hubName: string): HubLog {
    const { log, syslog } = this.#options;
    const folder = folderNameOf(hubName);
    const key = hubName.toLowerCase();
    const settings = () => this.#settingsOf(key);
    const security = this.#open(
      join("security_log", folder),
      "sec",
      [" ", " "],
      () => settings().securityLogTurnover,
    );
    const packet = this.#open(
      join("packet_log", folder),
      "pkt",
      [",", ","],
      () => settings().packetLogTurnover,
    );
    const writeServerLog = this.#createServerWriter();
    return {
      security: (message, event) => {
        if (event !== undefined && !this.#admits(event)) return;
        writeServerLog(`[HUB "${hubName}"] ${message}`);
        if (isAsItIs(event)) log.info(message);
        else if (event !== undefined) log.info(eventLine({ ...event, hub: hubName }));
        if (!settings().saveSecurityLog) return;
        security.write(message);
        syslog?.("SECURITY_LOG", hubName, message);
      },
      packet: (line) => {
        packet.write(line);
        syslog?.("PACKET_LOG", hubName, line);
      },
    };
  }

  /** Whether the peer that an event is about has not filled the log already. */
  #admits(event: HubEvent | LineAsItIs): boolean {
    const { peer } = event;
    return typeof peer !== "string" || this.#budget.admits(peer);
  }

  /** Resolves when every line is written or dropped. */
  async flush(): Promise<void> {
    await Promise.all(Array.from(this.#logs.values(), (log) => log.flush()));
  }

  #settingsOf(hubKey: string): HubLogSettings {
    const hubs = this.#options.hubs?.();
    if (hubs !== this.#hubs) {
      this.#hubs = hubs;
      this.#hubLogs = new Map(hubs?.map(({ name, log }) => [name.toLowerCase(), log]));
    }
    return this.#hubLogs.get(hubKey) ?? defaultHubLog;
  }

  #createServerWriter(): (text: string) => void {
    const { syslog } = this.#options;
    const log = this.#open("server_log", "vpn", [" ", " "], serverTurnover);
    return (text) => {
      log.write(text);
      syslog?.("SERVER_LOG", undefined, text);
    };
  }

  #open(
    folder: string,
    prefix: string,
    separators: readonly [string, string],
    turnover: () => LogTurnover,
  ): RollingLog {
    const { directory, log, unixNow = Date.now, disk = logDisk, onWritten = () => {} } = this.#options;
    const known = this.#logs.get(folder);
    if (known !== undefined) return known;
    const path = join(directory, folder);
    const opened = new RollingLog({
      directory: path,
      prefix,
      turnover,
      unixNow,
      separators,
      waiting: this.#waiting,
      disk,
      fileBytes: this.#options.fileBytes ?? logLimits.fileBytes,
      onError: (message) => log.warn(`cannot write the log in ${path}: ${message}; lines are dropped`),
      onRecovered: (lines) => log.info(`the log in ${path} is written again; ${lines} lines were dropped`),
      onWritten,
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
  const plain = hubName.replace(/[^\p{L}\p{N} ()_#%&.-]/gu, "_");
  const isEdge = (character: string | undefined) => character === "." || character === " ";
  let [start, end] = [0, plain.length];
  while (isEdge(plain[start])) start++;
  while (end > start && isEdge(plain[end - 1])) end--;
  const safe = "_".repeat(start) + plain.slice(start, end) + "_".repeat(plain.length - end);
  let cut = safe;
  while (Buffer.byteLength(cut) > longestName) cut = cut.slice(0, -1);
  if (cut === hubName && cut !== "") return cut;
  return `${cut}~${createHash("sha256").update(hubName).digest("hex").slice(0, 16)}`;
}

function isAsItIs(event: HubEvent | LineAsItIs | undefined): event is LineAsItIs {
  return event !== undefined && "asItIs" in event;
}
