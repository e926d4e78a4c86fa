import { memoryBoundMb, type Findings } from "./attack.ts";
import type { Administered, Innocence } from "./innocence.ts";

/** What an attack may do to others at most. */
export interface Bounds {
  readonly lostPings: number;
  readonly ping99Ms: number;
  readonly leastFlowPercent: number;
  readonly adminMs: number;
  readonly loginMs: number;
  readonly memoryMb: number;
}

/** For a machine that does little else. */
export const strictBounds: Bounds = {
  lostPings: 0,
  ping99Ms: 50,
  leastFlowPercent: 80,
  adminMs: 1_000,
  loginMs: 3_000,
  memoryMb: memoryBoundMb,
};

/**
 * For tests, on a machine with two cores that all else shares: nothing may be lost, but the times say only that nobody had to wait
 * for the attack to end.
 */
export const looseBounds: Bounds = {
  ...strictBounds,
  ping99Ms: 250,
  leastFlowPercent: 60,
  adminMs: 2_500,
  loginMs: 5_000,
};

/** What became of others while an attack lasted. */
export interface Verdict {
  readonly name: string;
  readonly lostPings: number;
  readonly ping50Ms: number;
  readonly ping99Ms: number;
  readonly pingWorstMs: number;
  /** Of the frames of the innocent flow, those that arrived. */
  readonly flowPercent: number;
  readonly beforeMb: number;
  readonly peakMb: number;
  readonly afterMb: number;
  /** The longest answer to the administrator on the server's host, and to `vpnserver check` there. */
  readonly adminMs: number;
  readonly checkMs: number;
  /** Logins of another user: how many tried, and the longest. */
  readonly logins: number;
  readonly loginMs: number;
  readonly figures: Readonly<Record<string, number | string>>;
  /** Empty where the server stood the attack. */
  readonly faults: readonly string[];
}

interface Seen {
  readonly name: string;
  readonly innocence: Innocence;
  readonly administered: Administered;
  /** Unix times in milliseconds between which it counts. */
  readonly from: number;
  readonly to: number;
  readonly findings: Findings;
  readonly beforeMb: number;
  readonly peakMb: number;
  readonly afterMb: number;
  readonly restarts: number;
}

/** Measures what was seen by the bounds. */
export function judge(seen: Seen, bounds: Bounds): Verdict {
  const { name, innocence, administered, from, to, findings, restarts } = seen;
  const { beforeMb, peakMb, afterMb } = seen;
  const within = <Event extends { readonly at: number }>(events: readonly Event[]) =>
    events.filter(({ at }) => at >= from && at < to);
  const pings = innocence.pings.filter(({ sentAt }) => sentAt >= from && sentAt < to);
  const tookMs = pings.flatMap(({ tookMs }) => tookMs ?? []);
  const lostPings = pings.length - tookMs.length;
  const [calls, checks, logins] = [
    within(administered.calls),
    within(administered.checks),
    within(innocence.logins),
  ];
  const longest = (events: readonly { readonly tookMs: number }[]) =>
    Math.max(0, ...events.map((event) => event.tookMs));
  const measured = {
    ping99Ms: percentile(tookMs, 99),
    flowPercent: flowPercentOf(innocence, from, to),
    adminMs: longest(calls),
    checkMs: longest(checks),
    loginMs: longest(logins),
  };
  const faults = [...(findings.faults ?? [])];
  const bound = (isKept: boolean, fault: string) => void (isKept || faults.push(fault));
  bound(pings.length > 0 && lostPings <= bounds.lostPings, `${lostPings} of ${pings.length} pings lost`);
  bound(measured.ping99Ms <= bounds.ping99Ms, `99 % of the pings took up to ${round(measured.ping99Ms)} ms`);
  bound(
    measured.flowPercent >= bounds.leastFlowPercent,
    `${round(measured.flowPercent)} % of the flow arrived`,
  );
  bound(peakMb <= bounds.memoryMb, `${round(peakMb)} MB of memory, of ${bounds.memoryMb}`);
  for (const [who, events, longestMs] of [
    ["administration", calls, bounds.adminMs],
    ["vpnserver check", checks, bounds.adminMs],
    ["login of another user", logins, bounds.loginMs],
  ] as const) {
    const failed = events.filter(({ error }) => error !== undefined);
    bound(events.length > 0, `${who}: not answered at all`);
    bound(failed.length === 0, `${who}: ${failed.length} of ${events.length} failed (${failed[0]?.error})`);
    bound(longest(events) <= longestMs, `${who}: took up to ${round(longest(events))} ms`);
  }
  bound(innocence.lostSessions === 0, `${innocence.lostSessions} sessions of others ended`);
  bound(restarts === 0, `the worker ended ${restarts} times`);
  return {
    name,
    lostPings,
    ping50Ms: percentile(tookMs, 50),
    pingWorstMs: longest(pings.map(({ tookMs }) => ({ tookMs: tookMs ?? 0 }))),
    ...measured,
    ...{ beforeMb, peakMb, afterMb },
    logins: logins.length,
    figures: findings.figures ?? {},
    faults,
  };
}

function flowPercentOf({ begun, bucketMs, sent, arrived }: Innocence, from: number, to: number): number {
  const [first, last] = [Math.floor((from - begun) / bucketMs), Math.floor((to - begun) / bucketMs)];
  const sum = (buckets: Innocence["sent"]) =>
    buckets.slice(first, last).reduce((total: number, frames) => total + (frames ?? 0), 0);
  return Math.min(100, (sum(arrived) * 100) / sum(sent));
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length * percent) / 100)] ?? Number.NaN;
}

const round = (value: number) => (Number.isNaN(value) ? "?" : value.toFixed(value < 10 ? 1 : 0));

const columns: readonly (readonly [label: string, value: (verdict: Verdict) => string])[] = [
  ["attack", ({ name }) => name],
  ["ping lost", ({ lostPings }) => String(lostPings)],
  ["50 % ms", ({ ping50Ms }) => round(ping50Ms)],
  ["99 % ms", ({ ping99Ms }) => round(ping99Ms)],
  ["worst ms", ({ pingWorstMs }) => round(pingWorstMs)],
  ["flow %", ({ flowPercent }) => round(flowPercent)],
  ["peak MB", ({ peakMb }) => round(peakMb)],
  ["after MB", ({ afterMb }) => round(afterMb)],
  ["admin ms", ({ adminMs }) => round(adminMs)],
  ["login ms", ({ loginMs }) => round(loginMs)],
  ["stood", ({ faults }) => (faults.length === 0 ? "yes" : "NO")],
];

/** A table in Markdown. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = [
    columns.map(([label]) => label),
    columns.map(([label], index) => (index === 0 ? "---" : `${"-".repeat(Math.max(2, label.length - 1))}:`)),
    ...verdicts.map((verdict) => columns.map(([, value]) => value(verdict))),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `| ${row.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join(" | ")} |`,
    )
    .join("\n");
}

/** What is wrong and what else was measured, in lines for people. */
export function detailsOf({ figures, faults, beforeMb, checkMs, logins }: Verdict): string[] {
  const shown = Object.entries({
    "before MB": round(beforeMb),
    "check ms": round(checkMs),
    logins,
    ...figures,
  }).map(([label, value]) => `${label} ${typeof value === "number" ? Number(value.toFixed(1)) : value}`);
  return [`  ${shown.join(", ")}`, ...faults.map((fault) => `  FAULT ${fault}`)];
}
