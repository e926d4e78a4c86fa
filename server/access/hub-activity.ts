import { atOnce, type Steps } from "../turns.ts";
import type { PortCounters, TrafficCounters } from "../hub/port-counters.ts";
import type { AccountStatistics, HubStatistics, Traffic, TrafficCount } from "../hub/statistics.ts";

interface MutableAccount {
  logins: number;
  lastLoginAt: number;
  traffic: Traffic;
}

/** What of a session counts for its user and group. */
export interface CountedSession {
  readonly user: { readonly name: string; readonly group: string | undefined };
  readonly counters: PortCounters;
}

/** That are copied or counted in one step. */
const accountsPerStep = 512;

const noCount: TrafficCount = { broadcastBytes: 0, broadcastCount: 0, unicastBytes: 0, unicastCount: 0 };
const noTraffic: Traffic = { received: noCount, sent: noCount };

/** Counts what happens in one hub: logins, and the traffic of the users whose sessions have ended. */
export class HubActivity {
  readonly #createdAt: number;
  /** With the traffic of former runs of the server alone. */
  readonly #hub: MutableAccount = { logins: 0, lastLoginAt: 0, traffic: noTraffic };
  readonly #users = new Map<string, MutableAccount>();
  readonly #groups = new Map<string, { traffic: Traffic }>();
  #lastCommunicationAt: number;

  /**
   * @param unixNow Unix time in milliseconds
   * @param former what happened before this run of the server
   */
  constructor(unixNow: number, former?: HubStatistics) {
    this.#createdAt = former?.createdAt || unixNow;
    this.#lastCommunicationAt = former?.lastCommunicationAt || unixNow;
    if (former === undefined) return;
    const { logins, lastLoginAt, traffic, users, groups } = former;
    Object.assign(this.#hub, { logins, lastLoginAt, traffic });
    for (const [key, account] of users) {
      if (account.logins > 0 || account.lastLoginAt > 0) this.#users.set(key, { ...account });
    }
    for (const [key, group] of groups) this.#groups.set(key, group);
  }

  began(userName: string, unixNow: number): void {
    for (const account of [this.#hub, this.#user(userName)]) {
      account.logins++;
      account.lastLoginAt = unixNow;
    }
    this.#lastCommunicationAt = unixNow;
  }

  ended({ user, counters }: CountedSession, unixNow: number): void {
    const traffic = trafficOf(counters);
    const account = this.#user(user.name);
    account.traffic = sum(account.traffic, traffic);
    if (user.group !== undefined) {
      const key = user.group.toLowerCase();
      this.#groups.set(key, { traffic: sum(this.#groups.get(key)?.traffic ?? noTraffic, traffic) });
    }
    this.#lastCommunicationAt = unixNow;
  }

  /**
   * Since the hub was made, with what the sessions that go on have added. What each account did is counted when somebody asks for it:
   * most want to know of the hub alone, which may have thousands of users.
   *
   * @param ports what passed between the hub and all of its ports in this run of the server. As the official server does, a hub counts
   *   its virtual host and bridges too, which are nobody's.
   */
  statistics(sessions: Iterable<CountedSession>, ports: PortCounters): HubStatistics {
    const going = [...sessions];
    let counted: HubActivity | undefined;
    const withAccounts = () => this.#withAccountsOf(going);
    const accounts = () => (counted ??= atOnce(withAccounts()));
    return {
      *count() {
        counted ??= yield* withAccounts();
      },
      createdAt: this.#createdAt,
      lastCommunicationAt: this.#lastCommunicationAt,
      ...this.#hub,
      traffic: sum(this.#hub.traffic, trafficOf(ports)),
      get users() {
        return accounts().#users;
      },
      get groups() {
        return accounts().#groups;
      },
    };
  }

  /** A copy, to which the sessions that go on have added what they did. */
  *#withAccountsOf(going: readonly CountedSession[]): Steps<HubActivity> {
    const counted = new HubActivity(this.#createdAt);
    let accounts = 0;
    for (const [key, account] of this.#users) {
      counted.#users.set(key, { ...account });
      if (++accounts % accountsPerStep === 0) yield;
    }
    for (const [key, group] of this.#groups) counted.#groups.set(key, group);
    for (const session of going) {
      counted.ended(session, this.#lastCommunicationAt);
      if (++accounts % accountsPerStep === 0) yield;
    }
    return counted;
  }

  #user(name: string): MutableAccount {
    const key = name.toLowerCase();
    const known = this.#users.get(key);
    if (known !== undefined) return known;
    const account: MutableAccount = { ...noStatistics };
    this.#users.set(key, account);
    return account;
  }
}

/** Of an account that never did anything. */
export const noStatistics: AccountStatistics = { logins: 0, lastLoginAt: 0, traffic: noTraffic };

/** The traffic that a port counted. */
export function trafficOf({ received, sent }: PortCounters): Traffic {
  return { received: countOf(received), sent: countOf(sent) };
}

function countOf(counters: TrafficCounters): TrafficCount {
  return {
    broadcastBytes: counters.broadcastBytes,
    broadcastCount: counters.broadcastFrames,
    unicastBytes: counters.unicastBytes,
    unicastCount: counters.unicastFrames,
  };
}

function sum(one: Traffic, other: Traffic): Traffic {
  const add = (a: TrafficCount, b: TrafficCount): TrafficCount => ({
    broadcastBytes: a.broadcastBytes + b.broadcastBytes,
    broadcastCount: a.broadcastCount + b.broadcastCount,
    unicastBytes: a.unicastBytes + b.unicastBytes,
    unicastCount: a.unicastCount + b.unicastCount,
  });
  return { received: add(one.received, other.received), sent: add(one.sent, other.sent) };
}
