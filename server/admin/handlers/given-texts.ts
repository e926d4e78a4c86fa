import { nameLimits } from "../../limits.ts";
import { RpcError } from "../rpc.ts";

/** Without the blanks around it, which are those of ASCII alone (`Mayaqua/Str.c` Trim): what else looks so is no part of any name. */
export function trimmed(text: string): string {
  const isBlank = (index: number) => text[index] === " " || text[index] === "\t";
  let [from, to] = [0, text.length];
  while (from < to && isBlank(from)) from++;
  while (to > from && isBlank(to - 1)) to--;
  return text.slice(from, to);
}

/**
 * The name of what is to be made, without the blanks around it, as the official server takes it.
 *
 * @param problemOf of `settings/names`
 * @throws {RpcError} invalidParameter, with the rule
 */
export function newName(given: string, problemOf: (name: string) => string | undefined): string {
  const name = trimmed(given);
  const problem = problemOf(name);
  if (problem !== undefined) throw new RpcError("invalidParameter", `the name ${problem}`);
  return name;
}

/**
 * A text that is only shown, within its bound. What is there already stays, however long it is: who changes another thing sends it
 * back.
 *
 * @throws {RpcError} invalidParameter
 */
export function boundedText(
  text: string,
  former = "",
  mostCharacters: number = nameLimits.textCharacters,
): string {
  if (text.length <= mostCharacters || text === former) return text;
  throw new RpcError("invalidParameter", `a text is longer than ${mostCharacters} characters`);
}
