import { parserOf } from "./json-format.ts";
import { nullOr, objectOf, sha256, text } from "./json-reader.ts";

/** What `version --json` prints. */
export interface VersionResult {
  readonly version: string;
  /** SHA-256 of the installed release that the executable is; `null` when it is none. */
  readonly release: string | null;
}

export const parseVersionResult = parserOf(
  "version",
  objectOf<VersionResult>({ version: text, release: nullOr(sha256) }),
);
