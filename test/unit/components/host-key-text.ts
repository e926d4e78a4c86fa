/** Base64 of an ed25519 key: length-prefixed type name, then 32 bytes. */
export const hostKeyBase64 = Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from("ssh-ed25519"),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 7),
]).toString("base64");

/** A host's public key in authorized_keys form. */
export const hostKey = `ssh-ed25519 ${hostKeyBase64}`;
