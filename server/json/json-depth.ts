const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const openBrace = 0x7b;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/**
 * Whether arrays and objects of a JSON text lie deeper in each other than `most`; of what is no JSON, anything. To be asked before the
 * text is parsed: who walks through what comes of it, also to tell what is wrong with it, does so by calling itself.
 *
 * @param text in UTF-8, in whose longer characters no byte is one of those of the syntax
 */
export function isDeeperThan(text: Uint8Array, most: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === openBracket || byte === openBrace) {
      depth++;
      if (depth > most) return true;
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--;
    }
  }
  return false;
}
