/** Characters that one message carries of a long text. */
const partCharacters = 64 * 1024;

/**
 * A part of the JSON that belongs to the request or answer of a number, which follows its parts. The channel between the processes reads
 * each message in one go: one of megabytes would hold up all frames.
 */
export interface MessagePart {
  readonly type: "part";
  readonly number: number;
  readonly text: string;
}

/** A text in parts. */
export function* partsOf(number: number, text: string): Generator<MessagePart> {
  for (let at = 0; at < text.length; at += partCharacters) {
    yield { type: "part", number, text: text.slice(at, at + partCharacters) };
  }
}

/** Holds parts until what they belong to comes. */
export class MessageParts {
  readonly #texts = new Map<number, string[]>();

  add({ number, text }: MessagePart): void {
    const texts = this.#texts.get(number);
    if (texts === undefined) this.#texts.set(number, [text]);
    else texts.push(text);
  }

  /** Those that came, in their order. */
  take(number: number): readonly string[] {
    const texts = this.#texts.get(number) ?? [];
    this.#texts.delete(number);
    return texts;
  }
}
