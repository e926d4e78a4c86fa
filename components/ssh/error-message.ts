/** What to tell of something that was thrown; never empty. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error) || "an unknown error";
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
