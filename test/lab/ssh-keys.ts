import { readFile } from "node:fs/promises";
import { runCommand } from "./command.ts";

/** An ed25519 key pair as OpenSSH keeps it. */
export interface KeyPair {
  /** PEM text in OpenSSH's own format. */
  readonly privateKey: string;
  readonly privateKeyPath: string;
  /** In the form of authorized_keys, without a comment: `ssh-ed25519 AAAA...`. */
  readonly publicKey: string;
}

/** Makes a key pair at `path` and `path`.pub. */
export async function generateKeyPair(path: string): Promise<KeyPair> {
  await runCommand("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path]);
  const publicKey = await readFile(`${path}.pub`, "utf8");
  return {
    privateKey: await readFile(path, "utf8"),
    privateKeyPath: path,
    publicKey: publicKey.trim().split(" ").slice(0, 2).join(" "),
  };
}
