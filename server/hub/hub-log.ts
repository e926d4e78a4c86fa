/** Where a hub writes what it is configured to log. */
export interface HubLog {
  /** An event, without the time. */
  security(message: string): void;
  /** A line of the packet log, without date and time. */
  packet(line: string): void;
}
