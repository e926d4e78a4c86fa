/** A source of chance that gives the same again for the same seed (Mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 0x1_0000_0000) * bound);
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }
}

const interesting = [
  0, 1, 2, 4, 0x7f, 0x80, 0xff, 0x100, 0x5ff, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe,
  0xffff_ffff,
];

type Mutation = (input: Buffer, chance: Chance, corpus: readonly Buffer[]) => Buffer;

/** Another input with `bytes` in the place of those from `from` to `to`. */
function replaced(input: Buffer, from: number, to: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, from), bytes, input.subarray(to)]);
}

function part(input: Buffer, chance: Chance, mostBytes = 64): readonly [from: number, to: number] {
  const from = chance.below(input.length + 1);
  return [from, Math.min(input.length, from + 1 + chance.below(mostBytes))];
}

function numberOf(bytes: 1 | 2 | 4, value: number, isLittle: boolean): Buffer {
  const buffer = Buffer.alloc(bytes);
  const cut = value % 256 ** bytes;
  if (isLittle) buffer.writeUIntLE(cut, 0, bytes);
  else buffer.writeUIntBE(cut, 0, bytes);
  return buffer;
}

const mutations: readonly Mutation[] = [
  (input, chance) => {
    const changed = Buffer.from(input);
    if (input.length > 0) {
      const at = chance.below(input.length);
      changed[at] = (changed[at] as number) ^ (1 << chance.below(8));
    }
    return changed;
  },
  (input, chance) => {
    const changed = Buffer.from(input);
    if (input.length > 0) changed[chance.below(input.length)] = chance.below(256);
    return changed;
  },
  (input, chance) => {
    const bytes = numberOf(chance.pick([1, 2, 4] as const), chance.pick(interesting), chance.below(4) === 0);
    const at = chance.below(input.length + 1);
    return replaced(input, at, Math.min(input.length, at + bytes.length), bytes);
  },
  (input, chance) => replaced(input, ...part(input, chance), Buffer.alloc(0)),
  (input, chance) => {
    const [from, to] = part(input, chance);
    return replaced(input, to, to, input.subarray(from, to));
  },
  (input, chance) => {
    const [from] = part(input, chance);
    return replaced(input, from, from, Buffer.alloc(1 + chance.below(32), chance.below(256)));
  },
  (input, chance, corpus) => {
    const other = chance.pick(corpus);
    const [from] = part(input, chance);
    const [otherFrom, otherTo] = part(other, chance, 256);
    return replaced(input, from, from, other.subarray(otherFrom, otherTo));
  },
  (input, chance, corpus) => {
    const other = chance.pick(corpus);
    return Buffer.concat([
      input.subarray(0, chance.below(input.length + 1)),
      other.subarray(chance.below(other.length + 1)),
    ]);
  },
  (input, chance) => input.subarray(0, chance.below(input.length + 1)),
  // Numbers that are written as text.
  (input, chance) => {
    const text = input.toString("latin1");
    const digits = [...text.matchAll(/\d+/g)];
    if (digits.length === 0) return input;
    const { index, 0: former } = chance.pick(digits);
    return replaced(input, index, index + former.length, Buffer.from(String(chance.pick(interesting))));
  },
];

/** An input made of another one by some changes. */
export function mutate(input: Buffer, corpus: readonly Buffer[], chance: Chance, mostBytes: number): Buffer {
  let changed = input;
  const changes = 1 << chance.below(4);
  for (let each = 0; each < changes; each++) changed = chance.pick(mutations)(changed, chance, corpus);
  return Buffer.from(changed.subarray(0, mostBytes));
}
