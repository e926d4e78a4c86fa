import { stat } from "node:fs/promises";
import type { HubSettings } from "../hub/hub-settings.ts";
import {
  damaged,
  emptyDocument,
  parseDocument,
  readDocument,
  withServerConfiguration,
  writeDocument,
} from "./config-document.ts";
import { ConfigFieldError } from "./config-fields.ts";
import { defaultServerConfig, withListeners, type ListenerConfig } from "./config-file.ts";
import { formatConfig, type ConfigDocument } from "./config-text.ts";
import { defaultHubs, writeHubs } from "./hub-config.ts";
import type { StatePaths } from "./paths.ts";
import type { ServerSettings } from "./server-settings.ts";
import { readServerSettings, withServerSettings } from "./server-settings-config.ts";

export interface ConfigStoreOptions {
  /** Unix time in milliseconds. */
  readonly unixNow?: () => number;
}

/**
 * The configuration of a server in memory, for the one process that may change it: the worker, or a command that holds the
 * instance lock. What it holds is on the disk, and what it does not know stays as it is in the file.
 */
export class ConfigStore {
  readonly #path: string;
  readonly #unixNow: () => number;
  #document: ConfigDocument;
  #settings: ServerSettings;
  /** What the file was when it was read or written last. */
  #version: string | undefined;
  /** Changes that wait for the next write. */
  #waiting: WaitingChange[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, document: ConfigDocument, unixNow: () => number) {
    this.#path = path;
    this.#unixNow = unixNow;
    this.#document = document;
    this.#settings = this.#read(document);
  }

  /**
   * Reads `vpn_server.config`. Where there is none, the store holds the defaults, and the first update writes them.
   *
   * @throws {ServerError} STATE_INVALID when the file cannot be read or understood; it is left as it is then
   */
  static async open(
    { configFile }: Pick<StatePaths, "configFile">,
    { unixNow = Date.now }: ConfigStoreOptions = {},
  ): Promise<ConfigStore> {
    const version = await versionOf(configFile);
    const read = await readDocument(configFile);
    const store = new ConfigStore(configFile, read ?? newDocument(unixNow()), unixNow);
    store.#version = read && version;
    return store;
  }

  /** Writes the file if there is none yet. */
  async create(): Promise<void> {
    if ((await versionOf(this.#path)) === undefined) await this.update((settings) => settings);
  }

  get settings(): ServerSettings {
    return this.#settings;
  }

  get listeners(): readonly ListenerConfig[] {
    return this.#settings.listeners;
  }

  get hubs(): readonly HubSettings[] {
    return this.#settings.hubs;
  }

  /** The whole file as it is on the disk. */
  text(): Buffer {
    return formatConfig(this.#document);
  }

  /**
   * Changes the settings; resolves with the new ones once they are on the disk. Changes that wait for the disk together are
   * written together. What `change` leaves as the same object is not written anew.
   *
   * @throws what `change` throws, and {ServerError} STATE_INVALID when writing fails; nothing has changed then
   */
  update(change: (settings: ServerSettings) => ServerSettings): Promise<ServerSettings> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerSettings>();
    this.#waiting.push({ change, resolve, reject });
    this.#writing ??= this.#writeWaiting().finally(() => (this.#writing = undefined));
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
   * @throws {ServerError} STATE_INVALID when it cannot be understood or written; nothing has changed then
   */
  async replace(text: Uint8Array): Promise<void> {
    const document = parseDocument(this.#path, text);
    this.#read(document);
    while (this.#writing !== undefined) await this.#writing;
    await this.#write(document);
    this.#settings = this.#read(document);
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const done: { readonly waiting: WaitingChange; readonly settings: ServerSettings }[] = [];
      let settings = this.#settings;
      for (const waiting of batch) {
        try {
          settings = waiting.change(settings);
          done.push({ waiting, settings });
        } catch (error) {
          waiting.reject(error);
        }
      }
      if (done.length === 0) continue;
      try {
        // Others change the rest of the file: `install` the listeners.
        const document = withServerConfiguration((await this.#readIfChanged()) ?? this.#document);
        await this.#write(withServerSettings(document, settings, this.#settings, this.#unixNow()));
        this.#settings = settings;
        for (const { waiting, settings: after } of done) waiting.resolve(after);
      } catch (error) {
        for (const { waiting } of done) waiting.reject(error);
      }
    }
  }

  async #write(document: ConfigDocument): Promise<void> {
    await writeDocument(this.#path, document);
    this.#document = document;
    this.#version = await versionOf(this.#path);
  }

  #read(document: ConfigDocument): ServerSettings {
    try {
      return readServerSettings(document, this.#path);
    } catch (error) {
      if (error instanceof ConfigFieldError) throw damaged(this.#path, error.message, error);
      throw error;
    }
  }

  async #readIfChanged(): Promise<ConfigDocument | undefined> {
    const version = await versionOf(this.#path);
    return version === this.#version ? undefined : readDocument(this.#path);
  }
}

interface WaitingChange {
  readonly change: (settings: ServerSettings) => ServerSettings;
  readonly resolve: (settings: ServerSettings) => void;
  readonly reject: (error: unknown) => void;
}

/** Of a server that was never configured. */
function newDocument(unixNow: number): ConfigDocument {
  const listening = withListeners(emptyDocument, defaultServerConfig.listeners);
  return { ...listening, root: writeHubs(listening.root, defaultHubs, [], unixNow) };
}

/** Tells a file from what it was before; undefined when there is none. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}
