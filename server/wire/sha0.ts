/** Size of a SHA-0 hash, in bytes. */
export const sha0Bytes = 20;

const blockBytes = 64;

/**
 * SHA-0 of the parts, one after the other: SHA-1 without the rotation in its message schedule. It is broken as a hash, and
 * it is what the protocol proves passwords with; `node:crypto` does not have it.
 *
 * Source: FIPS 180 (1993); `Mayaqua/Encrypt.c` Sha0.
 */
export function sha0(...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  // The message, one bit, zeros, and the length in bits as u64, up to a whole block.
  const message = Buffer.alloc(Math.ceil((length + 9) / blockBytes) * blockBytes);
  let offset = 0;
  for (const part of parts) {
    message.set(part, offset);
    offset += part.length;
  }
  message[length] = 0x80;
  message.writeBigUInt64BE(BigInt(length) * 8n, message.length - 8);

  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0] as State;
  const words = new Int32Array(80);
  for (let start = 0; start < message.length; start += blockBytes) addBlock(state, message, start, words);

  const hash = Buffer.allocUnsafe(sha0Bytes);
  state.forEach((word, index) => hash.writeInt32BE(word | 0, index * 4));
  return hash;
}

type State = [number, number, number, number, number];

function addBlock(state: State, message: Buffer, start: number, words: Int32Array): void {
  const word = (index: number) => words[index] ?? 0;
  for (let index = 0; index < 16; index++) words[index] = message.readInt32BE(start + index * 4);
  for (let index = 16; index < 80; index++) {
    words[index] = word(index - 3) ^ word(index - 8) ^ word(index - 14) ^ word(index - 16);
  }
  let [a, b, c, d, e] = state;
  for (let index = 0; index < 80; index++) {
    const next = (rotateLeft(a, 5) + mix(index, b, c, d) + e + word(index)) | 0;
    e = d;
    d = c;
    c = rotateLeft(b, 30);
    b = a;
    a = next;
  }
  [a, b, c, d, e].forEach((value, index) => {
    state[index] = ((state[index] ?? 0) + value) | 0;
  });
}

/** The round's function and constant. */
function mix(index: number, b: number, c: number, d: number): number {
  if (index < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (index < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (index < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/**
 * What is stored of a user's password: SHA-0 of its UTF-8 bytes and the user's name with its ASCII letters in upper case.
 *
 * Source: `Cedar/Account.c` HashPassword.
 */
export function hashPassword(password: string, userName: string): Buffer {
  const upperCaseName = userName.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  return sha0(Buffer.from(password), Buffer.from(upperCaseName));
}

/** What is stored of the password of an administrator of the server or of a hub: SHA-0 of its UTF-8 bytes. */
export function hashAdminPassword(password: string): Buffer {
  return sha0(Buffer.from(password));
}

/**
 * What proves a password: SHA-0 of its stored hash and the challenge of the connection.
 *
 * Source: `Cedar/Sam.c` SecurePassword.
 *
 * @param hashedKey 20 bytes, from {@link hashPassword} or {@link hashAdminPassword}
 * @param random 20 bytes, from the hello of this connection
 */
export function secureResponse(hashedKey: Uint8Array, random: Uint8Array): Buffer {
  return sha0(hashedKey, random);
}
