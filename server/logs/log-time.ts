import type { LogTurnover } from "../settings/hub-settings.ts";

/** A moment as logs write it, in local time. */
export interface LogTime {
  /** `2026-01-31`. */
  readonly date: string;
  /** `23:59:59.007`. */
  readonly time: string;
}

export function logTime(unixMs: number): LogTime {
  const moment = new Date(unixMs);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  const seconds = `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
  return { date: day, time: `${seconds}.${String(moment.getMilliseconds()).padStart(3, "0")}` };
}

/** Digits of date and time that tell one file from the next. */
const dateDigits: Record<LogTurnover, number> = { none: 0, month: 6, day: 8, hour: 8, minute: 8, second: 8 };
const timeDigits: Record<LogTurnover, number> = { none: 0, month: 0, day: 0, hour: 2, minute: 4, second: 6 };

/** What the name of a log's file says of the time, such as `_20260131` or `_20260131_2359`; empty for a log without end. */
export function fileStamp({ date, time }: LogTime, turnover: LogTurnover): string {
  const parts = [
    date.replaceAll("-", "").slice(0, dateDigits[turnover]),
    time.replaceAll(":", "").slice(0, timeDigits[turnover]),
  ];
  return parts.map((part) => (part === "" ? "" : `_${part}`)).join("");
}
