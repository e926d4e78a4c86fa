import ssh2 from "ssh2";

const { generateKeyPairSync, parseKey } = ssh2.utils;

type Options = Parameters<typeof generateKeyPairSync>[1] & { readonly passphrase?: string };

/** A new pair of keys. ssh2 writes one private key of a few hundred so that nobody can read it, itself included. */
export function ed25519KeyPair(options?: Options): ReturnType<typeof generateKeyPairSync> {
  for (let count = 0; count < 100; count++) {
    const pair =
      options === undefined ? generateKeyPairSync("ed25519") : generateKeyPairSync("ed25519", options);
    if (!(parseKey(pair.private, options?.passphrase) instanceof Error)) return pair;
  }
  throw new Error("ssh2 writes no key that can be read");
}
