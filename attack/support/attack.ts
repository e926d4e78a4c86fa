/** Where an attack runs, what it is given, and what it has to say. */
export interface Attack {
  readonly about: string;
  /** `host` attacks from the server's own host, by loopback, as a user without rights. @default "outside" */
  readonly from?: "host" | "outside";
  /** The attacked hub has SecureNAT, by sockets. @default false */
  readonly secureNat?: boolean;
  /** Hubs besides the two of {@link arena}. @default 0 */
  readonly moreHubs?: number;
  /** It changes the configuration for good, so that no other may follow on the same server. @default false */
  readonly leavesSettings?: boolean;
  /** What the server may hold at most while it lasts, in megabytes. @default {@link memoryBoundMb} */
  readonly memoryMb?: number;
  /** The attack itself, until {@link Battle.isOver}. Runs in a process of its own. */
  run(battle: Battle): Promise<Findings>;
}

/** Resident memory of a server with hundreds of connections and full queues, with room to spare. */
export const memoryBoundMb = 400;

/** What an attack found by itself, beside what it did to others. */
export interface Findings {
  /** Names and values for people. */
  readonly figures?: Readonly<Record<string, number | string>>;
  /** What must not be: each is a reason why the server did not stand the attack. */
  readonly faults?: readonly string[];
}

/** What an attack knows of the place. */
export interface Field {
  /** Of the server: `127.0.0.1` for who attacks from its host. */
  readonly address: string;
  readonly address6: string;
  readonly port: number;
  /** Addresses of the attacker that connections may come from: some of IPv4, and many of one /64 of IPv6. */
  readonly localAddresses: readonly string[];
  readonly localAddresses6: readonly string[];
  /** Where the server keeps its state, its logs among it. */
  readonly stateDirectory: string;
  readonly seconds: number;
}

/** The field once the attack has come to it. */
export interface Battle extends Field {
  /** What was to be prepared is done: others are watched from now on, and {@link seconds} begin. */
  begin(): void;
  /** Whether the seconds are over; false before {@link begin}. */
  isOver(): boolean;
  /** Resolves when they are. */
  readonly end: Promise<void>;
}

/** Names and passwords of the server under attack. */
export const arena = {
  port: 5555,
  adminPassword: "of the server",
  /** The hub that is attacked from within, and one beside it with the innocent pair. */
  hub: "ATTACKED",
  otherHub: "INNOCENT",
  /** Of the administrators of the hubs. */
  hubPassword: "of the hub",
  /** Users of both hubs, all with {@link userPassword}. */
  users: ["one", "two", "three"],
  userPassword: "of a user",
} as const;
