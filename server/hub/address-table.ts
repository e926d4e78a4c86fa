/** Slots of an empty table; a power of two. */
const leastCapacity = 64;
const keyWords = 4;
const empty = -1;

/** An entry, as a list shows it. */
export interface AddressEntry {
  /** The four 32-bit words of the address. */
  readonly words: readonly [number, number, number, number];
  readonly owner: number;
  readonly dhcp: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface AddressTableOptions {
  /** Most entries. */
  readonly limit: number;
  /** Makes the places of the addresses unpredictable, so that nobody can choose addresses that collide; 32 bits. */
  readonly seed: number;
}

/**
 * Addresses of up to 128 bits and the ports that own them: a hash table with open addressing in typed arrays, so that neither
 * looking up nor entering makes an object. Owners are whole numbers from 0.
 *
 * What {@link find} and {@link add} return is a slot. It holds until {@link generation} changes.
 */
export class AddressTable {
  readonly #limit: number;
  readonly #seed: number;
  #capacity = 0;
  #keys = new Int32Array(0);
  #owners = new Int32Array(0);
  #dhcp = new Uint8Array(0);
  #createdAt = new Float64Array(0);
  #updatedAt = new Float64Array(0);
  #size = 0;
  #generation = 0;
  /** Entries of each owner. */
  readonly #owned: number[] = [];

  constructor(options: AddressTableOptions) {
    this.#limit = options.limit;
    this.#seed = options.seed;
    this.#allocate(leastCapacity);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#limit;
  }

  /** Changes with every entry that comes, goes or gets another owner; not when one is only refreshed. */
  get generation(): number {
    return this.#generation;
  }

  /** Entries of an owner. */
  ownedBy(owner: number): number {
    return this.#owned[owner] ?? 0;
  }

  /** Slot of an address, or -1. */
  find(word0: number, word1: number, word2: number, word3: number): number {
    const keys = this.#keys;
    const mask = this.#capacity - 1;
    for (let slot = this.#home(word0, word1, word2, word3); ; slot = (slot + 1) & mask) {
      if (this.#owners[slot] === empty) return -1;
      const key = slot * keyWords;
      if (
        keys[key + 1] === word1 &&
        keys[key] === word0 &&
        keys[key + 2] === word2 &&
        keys[key + 3] === word3
      ) {
        return slot;
      }
    }
  }

  /** Enters an address that is not there; gives its slot, or -1 when the table is full. */
  add(word0: number, word1: number, word2: number, word3: number, owner: number, now: number): number {
    if (this.isFull) return -1;
    if ((this.#size + 1) * 2 > this.#capacity) this.#grow();
    this.#size++;
    this.#generation++;
    this.#owned[owner] = this.ownedBy(owner) + 1;
    return this.#place(word0, word1, word2, word3, owner, now, now, 0);
  }

  owner(slot: number): number {
    return this.#owners[slot] as number;
  }

  updatedAt(slot: number): number {
    return this.#updatedAt[slot] as number;
  }

  isDhcp(slot: number): boolean {
    return this.#dhcp[slot] === 1;
  }

  refresh(slot: number, now: number): void {
    this.#updatedAt[slot] = now;
  }

  /** Notes that the address was assigned by DHCP. */
  markDhcp(slot: number): void {
    this.#dhcp[slot] = 1;
    this.#generation++;
  }

  move(slot: number, owner: number, now: number): void {
    const before = this.owner(slot);
    this.#owned[before] = this.ownedBy(before) - 1;
    this.#owned[owner] = this.ownedBy(owner) + 1;
    this.#owners[slot] = owner;
    this.#updatedAt[slot] = now;
    this.#generation++;
  }

  /** Takes out every entry that `goes` tells of by owner, time of the last refresh and origin. */
  removeWhere(goes: (owner: number, updatedAt: number, dhcp: boolean) => boolean): void {
    for (let slot = 0; slot < this.#capacity; slot++) {
      // What follows in the same cluster moves up into the slot.
      while (
        this.#owners[slot] !== empty &&
        goes(this.#owners[slot] as number, this.#updatedAt[slot] as number, this.#dhcp[slot] === 1)
      ) {
        this.#remove(slot);
      }
    }
  }

  /** Takes an address out, if it is there. */
  delete(words: AddressEntry["words"]): void {
    const slot = this.find(...words);
    if (slot !== -1) this.#remove(slot);
  }

  *entries(): Generator<AddressEntry> {
    for (let slot = 0; slot < this.#capacity; slot++) {
      if (this.#owners[slot] === empty) continue;
      const [word0 = 0, word1 = 0, word2 = 0, word3 = 0] = this.#keys.subarray(slot * keyWords);
      yield {
        words: [word0, word1, word2, word3],
        owner: this.#owners[slot] as number,
        dhcp: this.#dhcp[slot] === 1,
        createdAt: this.#createdAt[slot] as number,
        updatedAt: this.#updatedAt[slot] as number,
      };
    }
  }

  #home(word0: number, word1: number, word2: number, word3: number): number {
    let hash = Math.imul(word0 ^ this.#seed, 0x9e3779b1);
    hash = Math.imul((hash ^ (hash >>> 15)) + word1, 0x85ebca77);
    hash = Math.imul((hash ^ (hash >>> 13)) + word2, 0xc2b2ae3d);
    hash = Math.imul((hash ^ (hash >>> 16)) + word3, 0x27d4eb2f);
    return (hash ^ (hash >>> 15)) & (this.#capacity - 1);
  }

  #place(
    word0: number,
    word1: number,
    word2: number,
    word3: number,
    owner: number,
    createdAt: number,
    updatedAt: number,
    dhcp: number,
  ): number {
    const mask = this.#capacity - 1;
    let slot = this.#home(word0, word1, word2, word3);
    while (this.#owners[slot] !== empty) slot = (slot + 1) & mask;
    const key = slot * keyWords;
    this.#keys[key] = word0;
    this.#keys[key + 1] = word1;
    this.#keys[key + 2] = word2;
    this.#keys[key + 3] = word3;
    this.#owners[slot] = owner;
    this.#createdAt[slot] = createdAt;
    this.#updatedAt[slot] = updatedAt;
    this.#dhcp[slot] = dhcp;
    return slot;
  }

  /** Empties a slot and closes the gap, so that every entry behind is still found. */
  #remove(removed: number): void {
    const mask = this.#capacity - 1;
    const keys = this.#keys;
    const owner = this.owner(removed);
    this.#owned[owner] = this.ownedBy(owner) - 1;
    let gap = removed;
    for (let slot = (gap + 1) & mask; this.#owners[slot] !== empty; slot = (slot + 1) & mask) {
      const key = slot * keyWords;
      const home = this.#home(
        keys[key] as number,
        keys[key + 1] as number,
        keys[key + 2] as number,
        keys[key + 3] as number,
      );
      // An entry may move up unless its home is behind the gap.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      keys.copyWithin(gap * keyWords, key, key + keyWords);
      this.#owners[gap] = this.#owners[slot] as number;
      this.#createdAt[gap] = this.#createdAt[slot] as number;
      this.#updatedAt[gap] = this.#updatedAt[slot] as number;
      this.#dhcp[gap] = this.#dhcp[slot] as number;
      gap = slot;
    }
    this.#owners[gap] = empty;
    this.#size--;
    this.#generation++;
  }

  #allocate(capacity: number): void {
    this.#capacity = capacity;
    this.#keys = new Int32Array(capacity * keyWords);
    this.#owners = new Int32Array(capacity).fill(empty);
    this.#dhcp = new Uint8Array(capacity);
    this.#createdAt = new Float64Array(capacity);
    this.#updatedAt = new Float64Array(capacity);
  }

  #grow(): void {
    const before = [...this.entries()];
    this.#allocate(this.#capacity * 2);
    for (const { words, owner, createdAt, updatedAt, dhcp } of before) {
      this.#place(...words, owner, createdAt, updatedAt, dhcp ? 1 : 0);
    }
  }
}
