import type { HubEvent, LineAsItIs } from "./hub/hub-log.ts";
import type { Logger } from "./logger.ts";

/** What the server says goes to the journal and to the server log. */
export interface ServerLog extends Logger {
  /**
   * @param text line of the server log, without the time
   * @param event the same for programs that read the journal: in fields, or as it is
   */
  event(text: string, event: HubEvent | LineAsItIs): void;
  /** For the server log alone: what would only fill the journal. */
  detail(text: string): void;
}

const plainValue = /^[\w.:/@+-]+$/;
const longestValue = 255;

/**
 * An event as one line of `name=value`, such as `event=administrator-login peer=192.0.2.1 hub="my hub"`. A value that is not a
 * plain word is a string of JSON; a long one is cut. Fields without a value are left out.
 */
export function eventLine(event: HubEvent): string {
  return Object.entries(event)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${valueText(String(value).slice(0, longestValue))}`)
    .join(" ");
}

function valueText(value: string): string {
  return plainValue.test(value) ? value : JSON.stringify(value);
}
