const mask = 0xffff_ffffn;
const rotate = (word: bigint, bits: bigint) => ((word << bits) | (word >> (32n - bits))) & mask;

/** A second SHA-0, from the text of FIPS 180 (1993), in numbers that cannot overflow. */
export function naiveSha0(message: Uint8Array): string {
  let hex = Buffer.from(message).toString("hex") + "80";
  while (hex.length % 128 !== 112) hex += "00";
  hex += (message.length * 8).toString(16).padStart(16, "0");
  let hash = [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n];
  for (const block of hex.match(/.{128}/g) ?? []) {
    const w = (block.match(/.{8}/g) ?? []).map((word) => BigInt(`0x${word}`));
    for (let t = 16; t < 80; t++) w.push(at(w, t - 3) ^ at(w, t - 8) ^ at(w, t - 14) ^ at(w, t - 16));
    let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n] = hash;
    for (let t = 0; t < 80; t++) {
      const parity = b ^ c ^ d;
      const [f, k] = [
        [(b & c) | (~b & mask & d), 0x5a827999n],
        [parity, 0x6ed9eba1n],
        [(b & c) | (b & d) | (c & d), 0x8f1bbcdcn],
        [parity, 0xca62c1d6n],
      ][Math.floor(t / 20)] as [bigint, bigint];
      const next = (rotate(a, 5n) + f + e + at(w, t) + k) & mask;
      [a, b, c, d, e] = [next, a, rotate(b, 30n), c, d];
    }
    hash = [a, b, c, d, e].map((word, index) => (word + at(hash, index)) & mask);
  }
  return hash.map((word) => word.toString(16).padStart(8, "0")).join("");
}

function at(words: readonly bigint[], index: number): bigint {
  const word = words[index];
  if (word === undefined) throw new RangeError(`no word ${index}`);
  return word;
}
