/** Entries that a table has room for from its first one on; a power of two. */
const leastCapacity = 32;
const keyWords = 4;
const none = -1;
/** Entries that are looked at, at most, for one that makes room. */
const lookedAt = 16;

/** What tables without an entry have in common: there may be 10,000 hubs with three each. */
const emptyIndex = Int32Array.of(none);
const noNumbers = new Int32Array();
const noBytes = new Uint8Array();
const noTimes = new Float64Array();

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
 * A full table takes a new entry in the place of one of the owner that has most, the one that was refreshed longest ago or nearly so:
 * nobody can keep the others out. Each owner's entries are a ring in the order in which they came, and one that was refreshed since
 * goes to its end when it is looked at, so that refreshing costs nothing but the note of the time.
 *
 * What {@link find} and {@link add} return is a slot. It holds until {@link generation} changes.
 */
export class AddressTable {
  readonly #limit: number;
  readonly #seed: number;
  /** Slots by the hash of their address; its length is a power of two. */
  #index = emptyIndex;
  #keys = noNumbers;
  #hashes = noNumbers;
  #owners = noNumbers;
  #dhcp = noBytes;
  #createdAt = noTimes;
  #updatedAt = noTimes;
  /** When an entry came to the end of its owner's ring. */
  #placedAt = noTimes;
  /** Neighbours in the owner's ring; of free slots, the next free one. */
  #next = noNumbers;
  #previous = noNumbers;
  #free = none;
  /** Slots from here on have never been used. */
  #unused = 0;
  #size = 0;
  #generation = 0;
  /** Where {@link removeAged} goes on. */
  #hand = 0;
  /** Entries of each owner, and the first one of its ring. */
  readonly #owned: number[] = [];
  readonly #first: number[] = [];
  /** The owner with most entries or nearly so, and how many it has when it is looked for again. */
  #largest = 0;
  #largestUntil = Infinity;

  constructor(options: AddressTableOptions) {
    this.#limit = options.limit;
    this.#seed = options.seed;
  }

  get size(): number {
    return this.#size;
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
    const index = this.#index;
    const keys = this.#keys;
    const mask = index.length - 1;
    for (let place = this.#hash(word0, word1, word2, word3) & mask; ; place = (place + 1) & mask) {
      const slot = index[place] as number;
      if (slot === none) return none;
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

  /** Enters an address that is not there; gives its slot. */
  add(word0: number, word1: number, word2: number, word3: number, owner: number, now: number): number {
    if (this.#size >= this.#limit) this.#makeRoom();
    const slot = this.#takeSlot();
    const key = slot * keyWords;
    this.#keys[key] = word0;
    this.#keys[key + 1] = word1;
    this.#keys[key + 2] = word2;
    this.#keys[key + 3] = word3;
    this.#hashes[slot] = this.#hash(word0, word1, word2, word3);
    this.#createdAt[slot] = now;
    this.#updatedAt[slot] = now;
    this.#dhcp[slot] = 0;
    this.#enter(slot);
    this.#link(slot, owner, now);
    this.#size++;
    this.#generation++;
    return slot;
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
    this.#unlink(slot);
    this.#link(slot, owner, now);
    this.#updatedAt[slot] = now;
    this.#generation++;
  }

  /** Takes out all entries of an owner. */
  removeOwner(owner: number): void {
    const count = this.ownedBy(owner);
    if (count === 0) return;
    // With many of them it takes less time to enter the others anew.
    const isMany = count * 8 > this.#size;
    for (let left = count, slot = this.#first[owner] as number; left > 0; left--) {
      const next = this.#next[slot] as number;
      if (!isMany) this.#leave(slot);
      this.#release(slot);
      slot = next;
    }
    this.#owned[owner] = 0;
    this.#first[owner] = none;
    this.#size -= count;
    this.#generation++;
    if (isMany) this.#rebuildIndex();
  }

  /**
   * Takes out entries that were not refreshed for so long, `most` of them at once, so that it takes a bounded time.
   *
   * @returns whether none is left
   */
  removeAged(now: number, ageMs: number, dhcpAgeMs: number, most = Infinity): boolean {
    const owners = this.#owners;
    const updatedAt = this.#updatedAt;
    const before = now - Math.min(ageMs, dhcpAgeMs);
    for (let left = this.#unused; left > 0; left--) {
      if (this.#hand >= this.#unused) this.#hand = 0;
      const slot = this.#hand++;
      if ((updatedAt[slot] as number) > before || owners[slot] === none) continue;
      if (now - (updatedAt[slot] as number) < (this.#dhcp[slot] === 1 ? dhcpAgeMs : ageMs)) continue;
      if (most-- <= 0) {
        this.#hand = slot;
        return false;
      }
      this.#remove(slot);
    }
    return true;
  }

  /** Takes an address out, if it is there. */
  delete(words: AddressEntry["words"]): void {
    const slot = this.find(...words);
    if (slot !== none) this.#remove(slot);
  }

  *entries(): Generator<AddressEntry> {
    for (let slot = 0; slot < this.#unused; slot++) {
      if (this.#owners[slot] === none) continue;
      const key = slot * keyWords;
      const word = (offset: number) => this.#keys[key + offset] as number;
      yield {
        words: [word(0), word(1), word(2), word(3)],
        owner: this.#owners[slot] as number,
        dhcp: this.#dhcp[slot] === 1,
        createdAt: this.#createdAt[slot] as number,
        updatedAt: this.#updatedAt[slot] as number,
      };
    }
  }

  #hash(word0: number, word1: number, word2: number, word3: number): number {
    let hash = Math.imul(word0 ^ this.#seed, 0x9e3779b1);
    hash = Math.imul((hash ^ (hash >>> 15)) + word1, 0x85ebca77);
    hash = Math.imul((hash ^ (hash >>> 13)) + word2, 0xc2b2ae3d);
    hash = Math.imul((hash ^ (hash >>> 16)) + word3, 0x27d4eb2f);
    return hash ^ (hash >>> 15);
  }

  #makeRoom(): void {
    const largest = this.#findLargest();
    let oldest = this.#first[largest] as number;
    for (let looked = 0; looked < lookedAt; looked++) {
      const slot = this.#first[largest] as number;
      const updatedAt = this.#updatedAt[slot] as number;
      if (updatedAt <= (this.#placedAt[slot] as number)) {
        oldest = slot;
        break;
      }
      if (updatedAt < this.updatedAt(oldest)) oldest = slot;
      // The ring begins with the one behind it, so that it is the last one.
      this.#placedAt[slot] = updatedAt;
      this.#first[largest] = this.#next[slot] as number;
    }
    this.#remove(oldest);
  }

  /** The owner that has most entries, but for a sixteenth; it is looked for again when the one that had most has given up so many. */
  #findLargest(): number {
    if (this.ownedBy(this.#largest) > this.#largestUntil) return this.#largest;
    let largest = 0;
    for (let owner = 1; owner < this.#owned.length; owner++)
      if (this.ownedBy(owner) > this.ownedBy(largest)) largest = owner;
    this.#largest = largest;
    this.#largestUntil = leastOfLargest(this.ownedBy(largest));
    return largest;
  }

  /** Nobody has more than what the bound was made of, so whoever comes to have as much as the largest raises it. */
  #noteGrowth(owner: number): void {
    const count = this.ownedBy(owner);
    if (count < this.ownedBy(this.#largest)) return;
    this.#largest = owner;
    this.#largestUntil = Math.max(this.#largestUntil, leastOfLargest(count));
  }

  #remove(slot: number): void {
    this.#leave(slot);
    this.#unlink(slot);
    this.#release(slot);
    this.#size--;
    this.#generation++;
  }

  #takeSlot(): number {
    const slot = this.#free;
    if (slot !== none) {
      this.#free = this.#next[slot] as number;
      return slot;
    }
    if (this.#unused === this.#owners.length) this.#grow();
    return this.#unused++;
  }

  #release(slot: number): void {
    this.#owners[slot] = none;
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  /** Puts a slot at the end of its owner's ring. */
  #link(slot: number, owner: number, now: number): void {
    this.#owners[slot] = owner;
    this.#placedAt[slot] = now;
    while (this.#owned.length <= owner) {
      this.#owned.push(0);
      this.#first.push(none);
    }
    const count = this.ownedBy(owner);
    this.#owned[owner] = count + 1;
    this.#noteGrowth(owner);
    const first = count === 0 ? slot : (this.#first[owner] as number);
    const last = count === 0 ? slot : (this.#previous[first] as number);
    this.#first[owner] = first;
    this.#next[slot] = first;
    this.#previous[slot] = last;
    this.#next[last] = slot;
    this.#previous[first] = slot;
  }

  #unlink(slot: number): void {
    const owner = this.owner(slot);
    const [next, previous] = [this.#next[slot] as number, this.#previous[slot] as number];
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#owned[owner] = this.ownedBy(owner) - 1;
    if (this.#first[owner] === slot) this.#first[owner] = next === slot ? none : next;
  }

  #enter(slot: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let place = (this.#hashes[slot] as number) & mask;
    while (index[place] !== none) place = (place + 1) & mask;
    index[place] = slot;
  }

  /** Takes a slot out of the index and closes the gap, so that every entry behind is still found. */
  #leave(slot: number): void {
    const index = this.#index;
    const hashes = this.#hashes;
    const mask = index.length - 1;
    let gap = (hashes[slot] as number) & mask;
    while (index[gap] !== slot) gap = (gap + 1) & mask;
    for (let place = (gap + 1) & mask; index[place] !== none; place = (place + 1) & mask) {
      const home = (hashes[index[place] as number] as number) & mask;
      // An entry may move up unless its home is behind the gap.
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      index[gap] = index[place] as number;
      gap = place;
    }
    index[gap] = none;
  }

  #grow(): void {
    const capacity = Math.min(Math.max(2 * this.#unused, leastCapacity), this.#limit);
    const grown = <T extends Int32Array | Uint8Array | Float64Array>(larger: T, former: T): T => {
      larger.set(former);
      return larger;
    };
    this.#keys = grown(new Int32Array(capacity * keyWords), this.#keys);
    this.#hashes = grown(new Int32Array(capacity), this.#hashes);
    this.#owners = grown(new Int32Array(capacity), this.#owners);
    this.#dhcp = grown(new Uint8Array(capacity), this.#dhcp);
    this.#createdAt = grown(new Float64Array(capacity), this.#createdAt);
    this.#updatedAt = grown(new Float64Array(capacity), this.#updatedAt);
    this.#placedAt = grown(new Float64Array(capacity), this.#placedAt);
    this.#next = grown(new Int32Array(capacity), this.#next);
    this.#previous = grown(new Int32Array(capacity), this.#previous);
    let places = 1;
    while (places < 2 * capacity) places *= 2;
    this.#index = new Int32Array(places);
    this.#rebuildIndex();
  }

  #rebuildIndex(): void {
    this.#index.fill(none);
    for (let slot = 0; slot < this.#unused; slot++) if (this.#owners[slot] !== none) this.#enter(slot);
  }
}

/** What the owner of the most entries has left, when others may have more by now. */
function leastOfLargest(count: number): number {
  return count - Math.ceil(count / lookedAt);
}
