/** A text as one word of sh, bash, zsh and fish. */
export function shellWord(text: string): string {
  return /^[\p{L}\p{N}/._+=@,:%-]+$/u.test(text) ? text : quoteForShell(text);
}

/** The same in quotes, whatever it is. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
