import type { HubLog } from "../hub/hub.ts";
import type { HubLogSettings } from "../settings/hub-settings.ts";
import type { Logger } from "../logger.ts";
import type { ServerLog } from "../server-log.ts";
import { logLimits } from "../limits.ts";
import { LogFiles } from "./log-files.ts";
import { LogKeeper } from "./log-keeper.ts";
import { LogWriter, type SyslogKind } from "./log-writer.ts";
import { SyslogSender, type SyslogDestination } from "./syslog-sender.ts";

/** What of the logs is sent to a syslog server, as `SaveType` has it: nothing, or the kinds up to one. */
const syslogKinds: readonly (readonly SyslogKind[])[] = [
  [],
  ["SERVER_LOG"],
  ["SERVER_LOG", "SECURITY_LOG"],
  ["SERVER_LOG", "SECURITY_LOG", "PACKET_LOG"],
];

export interface LogsSettings {
  readonly hubs: readonly { readonly name: string; readonly log: HubLogSettings }[];
  readonly syslog: SyslogDestination & { readonly saveType: number };
}

export interface LogsOptions {
  readonly directory: string;
  /** What goes there besides: all that the server says, and events. */
  readonly journal: Logger;
  /** As they are now. */
  readonly settings: () => LogsSettings;
}

/** The logs of a running server: written, kept within their bounds, and sent elsewhere. */
export class Logs {
  readonly server: ServerLog;
  readonly files: LogFiles;
  readonly #writer: LogWriter;
  readonly #keeper: LogKeeper;
  readonly #syslog: SyslogSender;
  readonly #looks: NodeJS.Timeout;

  constructor({ directory, journal, settings }: LogsOptions) {
    const syslog = new SyslogSender({ destination: () => settings().syslog, log: journal });
    const files = new LogFiles({ directory, hubNames: () => settings().hubs.map(({ name }) => name) });
    const keeper = new LogKeeper({ files, log: journal });
    this.files = files;
    this.#syslog = syslog;
    this.#keeper = keeper;
    this.#writer = new LogWriter({
      directory,
      log: journal,
      hubs: () => settings().hubs,
      syslog: (kind, hubName, text) => {
        if (syslogKinds[settings().syslog.saveType]?.includes(kind)) syslog.send(kind, hubName, text);
      },
      onWritten: (bytes) => keeper.wrote(bytes),
    });
    this.server = this.#writer.createServerLog();
    this.#looks = setInterval(() => this.#writer.look(), logLimits.lookMs);
    keeper.start();
  }

  createHubLog(hubName: string): HubLog {
    return this.#writer.createHubLog(hubName);
  }

  /** Resolves when all that was said is on its way to the disk. */
  async close(): Promise<void> {
    this.#keeper.stop();
    clearInterval(this.#looks);
    await this.#writer.flush();
    this.#syslog.close();
  }
}
