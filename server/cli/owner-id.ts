import { InvalidArgumentError } from "commander";
import { isOwnerId } from "../contract/owner.ts";

/** Reads `--owner-id`. */
export function parseOwnerId(text: string): string {
  if (isOwnerId(text)) return text;
  throw new InvalidArgumentError("An owner's id has 8 to 64 letters, digits, - and _.");
}
