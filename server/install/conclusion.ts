/** Why an installation failed, and what came of it, in a sentence with the end of the server's log. */
export function conclude(reason: string, outcome: string, logLines: readonly string[]): string {
  // A reason that has several lines ends with those of a log itself: what comes of it begins a line of its own.
  const sentence = `${reason}${reason.includes("\n") ? "\n" : "; "}${outcome}.`;
  if (logLines.length === 0) return sentence;
  return `${sentence} The last lines of the log:\n${logLines.map((line) => `  ${line}`).join("\n")}`;
}
