/** One request of the engine under way: where its messages go, and what ends it early. */
export interface Operation {
  /** Aborted when the engine cancels or the resource's time is up; the reason is an Error with the text to show. */
  readonly signal: AbortSignal;
  readonly log: OperationLog;
}

export interface OperationLog {
  /** A message that stays in the engine's output. */
  message(severity: "debug" | "info" | "warning" | "error", text: string): Promise<void>;
  /** A message that is shown while the resource is under way. */
  status(text: string): Promise<void>;
}

/** Waits for a promise, or for the end of the operation, whichever comes first. */
export async function orAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  if (signal.aborted) throw signal.reason as Error;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
    promise.catch(() => {});
  }
}
