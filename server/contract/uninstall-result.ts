import { parserOf } from "./json-format.ts";
import { absolutePath, listOf, objectOf, oneOf, optional, text, trueOrFalse } from "./json-reader.ts";
import { owner, type Owner } from "./owner.ts";

/** What `uninstall --json` prints. */
export interface UninstallResult {
  /** False when the server belongs to another deployment by now, and nothing was changed. */
  readonly removed: boolean;
  /** Left out when there was nothing but the state of a former installation. */
  readonly mode?: "service" | "user";
  readonly prefix: string;
  readonly stateDirectory: string;
  /** Whose it was, or is where it stays; left out for nobody's. */
  readonly owner?: Owner;
  /** Places that still hold something, such as the state directory. */
  readonly kept: readonly string[];
}

export const parseUninstallResult = parserOf(
  "uninstall",
  objectOf<UninstallResult>({
    removed: trueOrFalse,
    mode: optional(oneOf("service", "user")),
    prefix: absolutePath,
    stateDirectory: absolutePath,
    owner: optional(owner),
    kept: listOf(text),
  }),
);
