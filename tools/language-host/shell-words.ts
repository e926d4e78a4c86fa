/**
 * Splits a text into words in the way of a shell: at white space that is not quoted, without expanding anything.
 *
 * @throws Error when a quotation or an escape is not ended
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: "'" | '"' | undefined;
  const characters = [...text];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!;
    if (character === "\\" && quote !== "'") {
      const escaped = characters[++index];
      if (escaped === undefined) throw new Error(`nodeargs option ends with an escape: ${text}`);
      word = (word ?? "") + escaped;
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "#" && word === undefined) {
      // A comment: up to the end of the line.
      while (index + 1 < characters.length && characters[index + 1] !== "\n") index++;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== undefined) throw new Error(`nodeargs option has a quotation without an end: ${text}`);
  if (word !== undefined) words.push(word);
  return words;
}
