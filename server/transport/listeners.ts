import type { Socket } from "node:net";
import type { ListenerStatus } from "../contract/listener-status.ts";
import type { Logger } from "../logger.ts";
import { Listener } from "./listener.ts";

interface WantedListener {
  readonly port: number;
  readonly enabled: boolean;
}

export interface ListenersOptions {
  /** Addresses to listen on, by preference: the first that this host has is taken. */
  readonly addresses: readonly string[];
  readonly accept: (socket: Socket) => void;
  /** Called with the states of all after each change of one. */
  readonly onChange: (statuses: readonly ListenerStatus[]) => void;
  readonly log: Logger;
}

/** The listeners of the server, as they are configured now. */
export class Listeners {
  readonly #options: ListenersOptions;
  #open: { readonly wanted: WantedListener; readonly listener: Listener }[] = [];

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  statuses(): readonly ListenerStatus[] {
    return this.#open.map(({ listener }) => listener.status);
  }

  /**
   * Opens and closes ports until there are the wanted ones; those that stay are left alone. Resolves after the first attempt to
   * open each new one.
   */
  async apply(wanted: readonly WantedListener[]): Promise<void> {
    const left = [...this.#open];
    const started: Promise<void>[] = [];
    this.#open = wanted.map((each) => {
      const index = left.findIndex(({ wanted: { port, enabled } }) => {
        return port !== 0 && port === each.port && enabled === each.enabled;
      });
      const [kept] = index === -1 ? [] : left.splice(index, 1);
      if (kept !== undefined) return kept;
      const listener = this.#create(each);
      return { wanted: each, listener };
    });
    const ended = left.map(({ listener }) => listener.close());
    await Promise.all(ended);
    for (const { listener } of this.#open) started.push(listener.start());
    await Promise.all(started);
    if (left.length > 0) this.#options.onChange(this.statuses());
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map(({ listener }) => listener.close()));
  }

  #create({ port, enabled }: WantedListener): Listener {
    const { addresses, accept, onChange, log } = this.#options;
    return new Listener({
      port,
      enabled,
      addresses,
      accept,
      onChange: () => onChange(this.statuses()),
      log,
    });
  }
}
