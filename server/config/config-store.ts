import { stat } from "node:fs/promises";
import type { HubSettings } from "../hub/hub-settings.ts";
import {
  damaged,
  emptyDocument,
  readDocument,
  withServerConfiguration,
  writeDocument,
} from "./config-document.ts";
import { ConfigFieldError } from "./config-fields.ts";
import { defaultServerConfig, listenersOf, withListeners, type ListenerConfig } from "./config-file.ts";
import type { ConfigDocument } from "./config-text.ts";
import { defaultHubs, readHubs, writeHubs } from "./hub-config.ts";
import type { StatePaths } from "./paths.ts";

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
  readonly #listeners: readonly ListenerConfig[];
  #document: ConfigDocument;
  #hubs: readonly HubSettings[];
  /** What the file was when it was read or written last. */
  #version: string | undefined;
  #lastUpdate: Promise<unknown> = Promise.resolve();

  private constructor(path: string, document: ConfigDocument, unixNow: () => number) {
    this.#path = path;
    this.#unixNow = unixNow;
    this.#document = document;
    this.#listeners = listenersOf(document, path);
    try {
      this.#hubs = readHubs(document.root);
    } catch (error) {
      if (error instanceof ConfigFieldError) throw damaged(path, error.message, error);
      throw error;
    }
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
    const document =
      read ??
      withRoot(withListeners(emptyDocument, defaultServerConfig.listeners), (root) =>
        writeHubs(root, defaultHubs, [], unixNow()),
      );
    const store = new ConfigStore(configFile, document, unixNow);
    store.#version = read && version;
    return store;
  }

  /** Writes the file if there is none yet. */
  async create(): Promise<void> {
    if ((await versionOf(this.#path)) === undefined) await this.update((hubs) => hubs);
  }

  get listeners(): readonly ListenerConfig[] {
    return this.#listeners;
  }

  get hubs(): readonly HubSettings[] {
    return this.#hubs;
  }

  /**
   * Changes the hubs; resolves with the new ones once they are on the disk. One update follows the other. What `change`
   * leaves as the same object is not written anew.
   *
   * @throws what `change` throws, and {ServerError} STATE_INVALID when writing fails; nothing has changed then
   */
  update(change: (hubs: readonly HubSettings[]) => readonly HubSettings[]): Promise<readonly HubSettings[]> {
    const update = this.#lastUpdate.then(async () => {
      const hubs = change(this.#hubs);
      // Others change the rest of the file: `install` the listeners.
      const document = withServerConfiguration((await this.#readIfChanged()) ?? this.#document);
      const written = withRoot(document, (root) => writeHubs(root, hubs, this.#hubs, this.#unixNow()));
      await writeDocument(this.#path, written);
      this.#document = written;
      this.#hubs = hubs;
      this.#version = await versionOf(this.#path);
      return hubs;
    });
    this.#lastUpdate = update.catch(() => {});
    return update;
  }

  async #readIfChanged(): Promise<ConfigDocument | undefined> {
    const version = await versionOf(this.#path);
    return version === this.#version ? undefined : readDocument(this.#path);
  }
}

function withRoot(
  document: ConfigDocument,
  change: (root: ConfigDocument["root"]) => ConfigDocument["root"],
): ConfigDocument {
  return { ...document, root: change(document.root) };
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
