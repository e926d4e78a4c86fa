import type { HubSettings } from "../settings/hub-settings.ts";
import { changesBetweenInSteps, withChanges } from "./text/config-change.ts";
import { emptyDocument, withServerConfiguration } from "./text/config-document.ts";
import { defaultServerConfig } from "./disk/config-file.ts";
import { damaged, readStoredConfig } from "./disk/config-reader.ts";
import { ConfigFiles, type ConfigDisk } from "./disk/config-files.ts";
import { formatConfigInSteps } from "./text/config-format.ts";
import type { ConfigDocument } from "./text/config-node.ts";
import { parseConfigInSteps } from "./text/config-text.ts";
import { defaultHubs, writeHubs } from "./sections/hub-config.ts";
import { withListeners } from "./sections/listener-config.ts";
import { type ListenerSettings } from "../settings/listener-settings.ts";
import { isSteps, turns, type Steps } from "../turns.ts";
import { journalLimits } from "./disk/journal-file.ts";
import { joined } from "../long-bytes.ts";
import type { StatePaths } from "../state-paths.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import {
  readServerSettings,
  readServerSettingsInSteps,
  withServerSettingsInSteps,
} from "./sections/server-settings-config.ts";
import { unservedSettings } from "./sections/unserved-settings.ts";
import {
  readStatistics,
  withStatistics,
  type StatisticsByHub,
  type StatisticsSource,
} from "./sections/statistics-config.ts";

/** When changes get from the journal into the file itself. */
export const foldTimes = {
  /** After the last change. */
  idleMs: 5_000,
  /** After the first change, however many follow. */
  mostMs: 60_000,
  /** From one look at the statistics to the next, as the official server saves its file. */
  statisticsMs: 300_000,
} as const;

export interface ConfigStoreOptions {
  /** Unix time in milliseconds. */
  readonly unixNow?: () => number;
  /** Calls back once after a delay, unless the returned function is called before. */
  readonly schedule?: (callback: () => void, delayMs: number) => () => void;
  /** Called with what is not as it should be, and does not keep the server from working. */
  readonly onWarning?: (problem: string) => void;
  readonly disk?: ConfigDisk;
}

/**
 * The configuration of a server in memory, for the one process that may change it: the worker, or a command that holds the
 * instance lock. What it holds is on the disk, in `vpn_server.config` or in the journal beside it, and what it does not know
 * stays as it is in the file.
 */
export class ConfigStore {
  readonly #path: string;
  readonly #unixNow: () => number;
  readonly #schedule: NonNullable<ConfigStoreOptions["schedule"]>;
  readonly #storage: ConfigFiles;
  readonly #warnings: Warnings;
  #document: ConfigDocument;
  /** What the file itself holds. */
  #folded: ConfigDocument;
  #settings: ServerSettings;
  #statistics: () => StatisticsSource = () => new Map();
  /** Changes that wait for the next write. */
  #waiting: WaitingChange[] = [];
  /** Writes follow each other. */
  #last: Promise<unknown> = Promise.resolve();
  #cancelFold: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  #foldBy = Infinity;

  private constructor(
    path: string,
    read: { readonly document: ConfigDocument; readonly folded: ConfigDocument },
    storage: ConfigFiles,
    warnings: Warnings,
    { unixNow = Date.now, schedule = scheduleUnref }: ConfigStoreOptions,
  ) {
    this.#path = path;
    this.#unixNow = unixNow;
    this.#schedule = schedule;
    this.#storage = storage;
    this.#warnings = warnings;
    this.#document = read.document;
    this.#folded = read.folded;
    this.#settings = readServerSettings(read.document);
    if (storage.hasJournal) this.#foldLater();
  }

  /**
   * Reads `vpn_server.config` with its journal. Where there is none, the store holds the defaults, and the first update writes
   * them. Where it cannot be used, the store holds the last good one, and {@link warnings} say so.
   *
   * @throws {ServerError} STATE_INVALID when the file cannot be read, or cannot be used and has no backup; it is left as it is
   */
  static async open(
    { configFile }: Pick<StatePaths, "configFile">,
    options: ConfigStoreOptions = {},
  ): Promise<ConfigStore> {
    const { unixNow = Date.now, onWarning, disk } = options;
    const warnings = new Warnings(onWarning);
    const storage = new ConfigFiles(configFile, unixNow, (problem) => warnings.add(problem), disk);
    const stored = await storage.read(readServerSettingsInSteps);
    const document = stored?.document ?? newDocument(unixNow());
    const folded = storage.hasJournal ? (stored?.file?.document ?? document) : document;
    return new ConfigStore(configFile, { document, folded }, storage, warnings, options);
  }

  /** Writes the file if there is none yet. */
  async create(): Promise<void> {
    if (!this.#storage.isWritten) await this.flush();
  }

  get settings(): ServerSettings {
    return this.#settings;
  }

  get listeners(): readonly ListenerSettings[] {
    return this.#settings.listeners;
  }

  get hubs(): readonly HubSettings[] {
    return this.#settings.hubs;
  }

  /** What is not as it should be with the files, for people; empty when all is well. */
  get warnings(): readonly string[] {
    return this.#warnings.all;
  }

  /** What the file switches on and this server does not serve, for people. */
  get notServed(): readonly string[] {
    return unservedSettings(this.#document);
  }

  /** What happened in the hubs, as the file had it when it was read. */
  get statistics(): StatisticsByHub {
    return readStatistics(this.#document);
  }

  /** What happened in the hubs is asked for when the file is written, and now and then. It has no promise to be on the disk. */
  provideStatistics(statistics: () => StatisticsSource): void {
    this.#statistics = statistics;
    const look = () => {
      this.#cancelLook = this.#schedule(() => {
        void this.#isCounted().then((isCounted) => {
          if (isCounted) this.#foldLater();
        });
        look();
      }, foldTimes.statisticsMs);
    };
    look();
  }

  /** The whole configuration, with the statistics of now. */
  async text(): Promise<Buffer> {
    return joined(await turns.run(formatConfigInSteps(await this.#counted())));
  }

  /**
   * Changes the settings; resolves with the new ones once they are on the disk. Changes that wait for the disk together are
   * written together. What `change` leaves as the same object is not written anew. One that takes long is made in steps; nothing else
   * changes meanwhile.
   *
   * @throws what `change` throws, and {ServerError} STATE_INVALID when writing fails; nothing has changed then
   */
  update(change: SettingsChange): Promise<ServerSettings> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerSettings>();
    this.#waiting.push({ change, resolve, reject });
    if (this.#waiting.length === 1) void this.#afterOthers(() => this.#writeWaiting());
    return promise;
  }

  /** Changes the hubs alone; see {@link update}. */
  async updateHubs(
    change: (hubs: readonly HubSettings[]) => readonly HubSettings[],
  ): Promise<readonly HubSettings[]> {
    return (await this.update((settings) => ({ ...settings, hubs: change(settings.hubs) }))).hubs;
  }

  /**
   * Puts another configuration in the place of this one.
   *
   * @throws {ServerError} STATE_INVALID when it cannot be used or written; nothing has changed then
   */
  async replace(text: Uint8Array): Promise<void> {
    let document: ConfigDocument;
    let settings: ServerSettings;
    try {
      document = await turns.run(parseConfigInSteps(text));
      settings = await turns.run(readServerSettingsInSteps(document));
    } catch (error) {
      throw damaged("that was given", (error as Error).message, error);
    }
    await this.#afterOthers(async () => {
      await this.#storage.fold(document);
      this.#took(document, settings);
    });
  }

  /**
   * Writes everything into `vpn_server.config` itself; resolves with its size in bytes.
   *
   * @throws {ServerError} STATE_INVALID when writing fails; what was told to be on the disk is in the journal then
   */
  flush(): Promise<number> {
    return this.#afterOthers(() => this.#fold());
  }

  /** Writes what waits, and lets go of the files. Nothing can be changed any more. */
  async close(): Promise<void> {
    this.#cancelLook?.();
    try {
      await this.#afterOthers(async () => {
        const isCounted = await this.#isCounted();
        if (this.#storage.isWritten && (this.#storage.hasJournal || isCounted)) await this.#fold();
      });
    } finally {
      this.#cancelFold?.();
      await this.#storage.close();
    }
  }

  #afterOthers<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #writeWaiting(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    const done: { readonly waiting: WaitingChange; readonly settings: ServerSettings }[] = [];
    let settings = this.#settings;
    for (const waiting of batch) {
      try {
        const changed = waiting.change(settings);
        settings = isSteps(changed) ? await turns.run(changed) : changed;
        done.push({ waiting, settings });
      } catch (error) {
        waiting.reject(error);
      }
    }
    if (done.length === 0) return;
    try {
      await this.#write(settings);
    } catch (error) {
      for (const { waiting } of done) waiting.reject(error);
      return;
    }
    for (const { waiting, settings: after } of done) waiting.resolve(after);
    if (this.#storage.hasJournal) this.#foldLater(this.#storage.wantsFold ? 0 : foldTimes.idleMs);
  }

  async #write(settings: ServerSettings): Promise<void> {
    const others = this.#storage.isChangedByOthers() ? await this.#documentOfOthers() : undefined;
    const former = withServerConfiguration(others ?? this.#document);
    const document = await turns.run(
      withServerSettingsInSteps(former, settings, this.#settings, this.#unixNow()),
    );
    if (others !== undefined || !this.#storage.isWritten) {
      await this.#storage.fold(document);
      this.#took(document, settings);
      return;
    }
    const changes = await turns.run(changesBetweenInSteps(this.#document, document, journalLimits.changes));
    await this.#storage.append(changes, document);
    if (!this.#storage.hasJournal) this.#folded = document;
    this.#document = document;
    this.#settings = settings;
  }

  /** The document with the statistics of now. */
  #counted(): Promise<ConfigDocument> {
    return turns.run(withStatistics(this.#document, this.#statistics()));
  }

  /** Whether anything happened that the document does not tell. */
  async #isCounted(): Promise<boolean> {
    const document = this.#document;
    return (await turns.run(withStatistics(document, this.#statistics()))) !== document;
  }

  #took(document: ConfigDocument, settings: ServerSettings): void {
    this.#cancelFold?.();
    this.#cancelFold = undefined;
    this.#foldBy = Infinity;
    this.#document = this.#folded = document;
    this.#settings = settings;
  }

  async #fold(): Promise<number> {
    const document = await this.#counted();
    const bytes = await this.#storage.fold(document);
    this.#took(document, this.#settings);
    return bytes;
  }

  /** What somebody wrote into the file meanwhile, with the changes that only the journal holds. */
  async #documentOfOthers(): Promise<ConfigDocument> {
    const warn = (why: string) =>
      this.#warnings.add(`${this.#path} was changed while the server runs: ${why}`);
    try {
      const stored = await readStoredConfig(this.#path, readServerSettingsInSteps);
      if (stored === undefined) return this.#document;
      if (stored.file !== undefined) {
        const changes = await turns.run(changesBetweenInSteps(this.#folded, this.#document));
        if (changes !== undefined) return withChanges(stored.file.document, changes);
      }
      warn(stored.problems[0] ?? "the changes do not fit together with those of the server");
    } catch (error) {
      warn((error as Error).message);
    }
    await this.#storage.keepFileAside();
    return this.#document;
  }

  #foldLater(delayMs: number = foldTimes.idleMs): void {
    const now = this.#unixNow();
    this.#foldBy = Math.min(this.#foldBy, now + foldTimes.mostMs);
    this.#cancelFold?.();
    const delay = Math.max(Math.min(delayMs, this.#foldBy - now), 0);
    this.#cancelFold = this.#schedule(() => {
      // The journal holds everything, and the next change tries again.
      this.flush().catch((error: unknown) => this.#warnings.add((error as Error).message));
    }, delay);
  }
}

/** What was said already is not said again, and the list has an end. */
class Warnings {
  readonly all: string[] = [];
  readonly #tell: (problem: string) => void;

  constructor(tell: ((problem: string) => void) | undefined) {
    this.#tell = tell ?? (() => {});
  }

  add(problem: string): void {
    if (this.all.length === mostWarnings || this.all.includes(problem)) return;
    this.all.push(problem);
    this.#tell(problem);
  }
}

const mostWarnings = 20;

/** Makes new settings of those that hold when its turn has come. */
export type SettingsChange = (settings: ServerSettings) => ServerSettings | Steps<ServerSettings>;

interface WaitingChange {
  readonly change: SettingsChange;
  readonly resolve: (settings: ServerSettings) => void;
  readonly reject: (error: unknown) => void;
}

/** Of a server that was never configured. */
function newDocument(unixNow: number): ConfigDocument {
  const listening = withListeners(emptyDocument, defaultServerConfig.listeners);
  return { ...listening, root: writeHubs(listening.root, defaultHubs, [], unixNow) };
}

function scheduleUnref(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
