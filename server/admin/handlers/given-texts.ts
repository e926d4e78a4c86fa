import { nameLimits } from "../../limits.ts";
import { RpcError } from "../rpc.ts";

/**
 * The name of what is to be made, without the blanks around it, as the official server takes it.
 *
 * @param problemOf of `settings/names`
 * @throws {RpcError} invalidParameter, with the rule
 */
export function newName(given: string, problemOf: (name: string) => string | undefined): string {
  const name = given.trim();
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
