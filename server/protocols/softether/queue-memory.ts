import { sessionLimits } from "../../limits.ts";

/** Who takes memory together: a hub, or a user of it. */
interface Owners {
  /** Bytes beyond what each of their sessions may have anyway. */
  bytes: number;
  sessions: number;
}

/**
 * The memory in which frames wait for sessions, shared so that nobody who reads slowly, or never, takes it from the others.
 *
 * Each session has {@link sessionLimits.leastQueueBytes} for itself. What is beyond comes from what all share, and there a queue may
 * grow as long as it is not larger than what is then still free: a hub as large as that, a user half of it, a session a quarter. So
 * the fullest are refused first, and whoever comes late still finds some (Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switches", 1998).
 */
export class QueueMemory {
  readonly #most: number;
  readonly #hubs = new Map<string, { readonly all: Owners; readonly users: Map<string, Owners> }>();
  #sessions = 0;
  #bytes = 0;
  #sharedBytes = 0;

  /** @param most bytes that all sessions together may take */
  constructor(most: number) {
    this.#most = most;
  }

  /** What all sessions have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What a session may have whatever the others have. */
  get least(): number {
    const fair = this.#most / 2 / Math.max(1, this.#sessions);
    return Math.min(sessionLimits.leastQueueBytes, fair);
  }

  /** The account of a session that has begun. */
  open(hubName: string, userName: string): QueueAccount {
    const [hubKey, userKey] = [hubName.toLowerCase(), userName.toLowerCase()];
    const hub = this.#hubs.get(hubKey) ?? {
      all: { bytes: 0, sessions: 0 },
      users: new Map<string, Owners>(),
    };
    const user = hub.users.get(userKey) ?? { bytes: 0, sessions: 0 };
    this.#hubs.set(hubKey, hub);
    hub.users.set(userKey, user);
    hub.all.sessions++;
    user.sessions++;
    this.#sessions++;
    return new QueueAccount({
      least: () => this.least,
      admits: (bytes, has) => {
        const free = this.#most - this.#sessions * this.least - this.#sharedBytes;
        return hub.all.bytes + bytes <= free && user.bytes + bytes <= free / 2 && has + bytes <= free / 4;
      },
      add: (bytes, shared) => {
        this.#bytes += bytes;
        this.#sharedBytes += shared;
        hub.all.bytes += shared;
        user.bytes += shared;
      },
      close: () => {
        this.#sessions--;
        if (--user.sessions === 0) hub.users.delete(userKey);
        if (--hub.all.sessions === 0) this.#hubs.delete(hubKey);
      },
    });
  }
}

interface AccountOptions {
  readonly least: () => number;
  /** Whether a session that has so much of what is shared may have so many bytes more. */
  readonly admits: (bytes: number, has: number) => boolean;
  /** Counts what is taken, and how much of it is of what is shared. */
  readonly add: (bytes: number, shared: number) => void;
  readonly close: () => void;
}

/** What one session has of a {@link QueueMemory}. */
export class QueueAccount {
  readonly #options: AccountOptions;
  #bytes = 0;
  #sharedBytes = 0;

  constructor(options: AccountOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes memory; false when others need it more. */
  take(bytes: number): boolean {
    const { least, admits } = this.#options;
    const after = this.#bytes + bytes;
    if (after > sessionLimits.queueBytes) return false;
    const more = Math.max(0, after - least()) - this.#sharedBytes;
    if (more > 0 && !admits(more, this.#sharedBytes)) return false;
    this.takeAnyway(bytes);
    return true;
  }

  /** Takes memory without which what waits could not go out. */
  takeAnyway(bytes: number): void {
    this.#change(bytes);
  }

  give(bytes: number): void {
    this.#change(-bytes);
  }

  /** The session has ended; what it still has on its way is given back as it goes out. */
  close(): void {
    this.#options.close();
  }

  #change(bytes: number): void {
    this.#bytes += bytes;
    const shared = Math.max(0, this.#bytes - this.#options.least());
    this.#options.add(bytes, shared - this.#sharedBytes);
    this.#sharedBytes = shared;
  }
}
