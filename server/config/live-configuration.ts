import type { ServerSettings } from "../settings/server-settings.ts";
import type { ConfigStore, SettingsChange } from "./config-store.ts";

/** What came of a change. */
export interface Changed {
  readonly settings: ServerSettings;
  /** Names of the sessions that had to end for it. */
  readonly endedSessions: readonly string[];
}

/** Makes what runs what the settings say, and gives the names of the sessions that had to end for it. */
export type TakeSettings = (settings: ServerSettings) => Promise<readonly string[]>;

/**
 * The configuration of a server, and the one way to change it: a change is written, and then given to what runs. Whoever makes
 * it, an administrator or a desired state, waits for both.
 */
export class LiveConfiguration {
  /** The file behind it. */
  readonly store: Pick<ConfigStore, "settings" | "update" | "replace" | "flush" | "text">;
  #take: TakeSettings = () => Promise.resolve([]);

  constructor(store: LiveConfiguration["store"]) {
    this.store = store;
  }

  get settings(): ServerSettings {
    return this.store.settings;
  }

  /** Gives each change from now on to a server that runs. */
  giveTo(take: TakeSettings): void {
    this.#take = take;
  }

  /**
   * Changes the settings; resolves once the new ones are on the disk and in force. What `change` leaves as the same object is
   * neither written nor compared anew. One that takes long is made in steps.
   *
   * @throws what `change` throws, and {ServerError} STATE_INVALID when writing fails; nothing has changed then
   */
  async update(change: SettingsChange): Promise<Changed> {
    const settings = await this.store.update(change);
    // Those of now: another change may have come after this one.
    const endedSessions = await this.#take(this.store.settings);
    return { settings, endedSessions };
  }
}
