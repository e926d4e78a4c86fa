import { readFileSync } from "node:fs";

/** What release 0.1.0 printed before its JSON had a format. */
export const recordedJson = JSON.parse(
  readFileSync(new URL("fixtures/without-format.json", import.meta.url), "utf8"),
) as Readonly<Record<RecordedName, Record<string, unknown>>>;

type RecordedName =
  | "install"
  | "status"
  | "stopped"
  | "dryRun"
  | "apply"
  | "check"
  | "uninstall"
  | "purge"
  | "firewallShow"
  | "firewallOpen"
  | "version";
