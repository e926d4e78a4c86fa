import type { Steps } from "../turns.ts";

/** Frames that went one way. */
export interface TrafficCount {
  readonly broadcastBytes: number;
  readonly broadcastCount: number;
  readonly unicastBytes: number;
  readonly unicastCount: number;
}

/** As the server sees it: `received` came from the user, `sent` went to it. */
export interface Traffic {
  readonly received: TrafficCount;
  readonly sent: TrafficCount;
}

/** What an account did since it was made. Times are Unix milliseconds, 0 for never. */
export interface AccountStatistics {
  readonly logins: number;
  readonly lastLoginAt: number;
  readonly traffic: Traffic;
}

/** What happened in a hub since it was made; kept in the configuration file, without a promise for the last minutes. */
export interface HubStatistics extends AccountStatistics {
  readonly createdAt: number;
  readonly lastCommunicationAt: number;
  /** By user name in lower case. */
  readonly users: ReadonlyMap<string, AccountStatistics>;
  /** By group name in lower case. */
  readonly groups: ReadonlyMap<string, { readonly traffic: Traffic }>;
  /** Counts what each account did, where that is left to be done, so that whoever asks for one after that does not wait. */
  readonly count?: () => Steps<void>;
}
