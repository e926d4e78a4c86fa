/** An event in fields, for programs. Values may come from outside; none of them is a secret. */
export interface HubEvent {
  /** What happened, such as `session-began`. */
  readonly event: string;
  readonly [field: string]: string | number | undefined;
}

/** For the journal as the line is, as programs that watch logs know it; of a peer that was refused. */
export interface LineAsItIs {
  readonly asItIs: true;
  readonly peer: string;
}

/** Where a hub writes what it is configured to log. */
export interface HubLog {
  /**
   * An event, without the time.
   *
   * @param event the same for the journal, where it is worth a line there: in fields, or as it is
   */
  security(message: string, event?: HubEvent | LineAsItIs): void;
  /** A line of the packet log, without date and time. */
  packet(line: string): void;
}
