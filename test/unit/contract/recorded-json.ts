import { readFileSync } from "node:fs";

/** What release 0.1.0 printed before its JSON had a format. */
export const recordedJson = JSON.parse(
  readFileSync(new URL("fixtures/without-format.json", import.meta.url), "utf8"),
) as Readonly<
  Record<"install" | "status" | "stopped" | "dryRun" | "apply" | "check", Record<string, unknown>>
>;
