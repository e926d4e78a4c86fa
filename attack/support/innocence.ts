/** What the innocent pair saw; all times are Unix times in milliseconds. */
export interface Innocence {
  readonly begun: number;
  /** Without a time where no answer came. */
  readonly pings: readonly { readonly sentAt: number; readonly tookMs: number | null }[];
  readonly bucketMs: number;
  /** Frames of the flow by time since `begun`; `null` stands for none. */
  readonly sent: readonly (number | null)[];
  readonly arrived: readonly (number | null)[];
  readonly logins: readonly { readonly at: number; readonly tookMs: number; readonly error?: string }[];
  /** Sessions that ended before their time. */
  readonly lostSessions: number;
}

/** What those on the server's host saw. */
export interface Administered {
  readonly calls: readonly { readonly at: number; readonly tookMs: number; readonly error?: string }[];
  readonly checks: readonly { readonly at: number; readonly tookMs: number; readonly error?: string }[];
}
