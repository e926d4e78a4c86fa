import { lstatSync } from "node:fs";
import { readOwnFileSync } from "../platform/own-file.ts";
import { parseAddress } from "../ethernet/ip-address.ts";

export const adminAddressLimits = {
  /** Thousands of lines. */
  bytes: 256 * 1024,
} as const;

/** From where administrators may come: a line of the file. */
export interface AdminAddressRule {
  /** Undefined for `*`. */
  readonly network: { readonly address: Uint8Array; readonly mask: Uint8Array } | undefined;
  /** The rule is for the administrator of this hub alone; undefined for administrators of the server and of every hub. */
  readonly hubName: string | undefined;
}

export interface AdminAddresses {
  readonly rules: readonly AdminAddressRule[];
  /** Lines that cannot be understood, which let nobody in; for people. */
  readonly problems: readonly string[];
}

/**
 * Reads the text of `adminip.txt`:
 *
 *     192.0.2.0/24                  # administrators of the server and of all hubs
 *     198.51.100.7 office           // the administrator of hub "office"
 *     2001:db8::/32
 *     *
 *
 * One address, network (the mask as a number of bits or as an address) or `*` a line; what follows `#` or `//` is left out. Source:
 * `Cedar/Admin.c` CheckAdminSourceAddress.
 */
export function parseAdminAddresses(text: string): AdminAddresses {
  const rules: AdminAddressRule[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [place, hubName] = line
      .replace(/(\/\/|#).*/s, "")
      .split(/[ \t]+/)
      .filter((word) => word !== "");
    if (place === undefined) continue;
    const network = place === "*" ? undefined : parseNetwork(place);
    if (place === "*" || network !== undefined) rules.push({ network, hubName });
    else
      problems.push(
        `line ${index + 1} is no address, network or "*" and lets nobody in: "${place.slice(0, 64)}"`,
      );
  }
  return { rules, problems };
}

/**
 * Whether an administrator may come from an address.
 *
 * @param hubName empty for the administrator of the server
 */
export function isAdminAddress(
  rules: readonly AdminAddressRule[],
  peerAddress: string,
  hubName: string,
): boolean {
  const source = parseAddress(peerAddress);
  return rules.some(
    ({ network, hubName: only }) =>
      (only === undefined || only.toLowerCase() === hubName.toLowerCase()) &&
      (network === undefined || (source !== undefined && holds(network, source))),
  );
}

/** What the file says at the moment; the same until it is another file. */
interface LookedAt {
  readonly version: string;
  /** Undefined when there is no file: administrators come from everywhere. */
  readonly rules: readonly AdminAddressRule[] | undefined;
  readonly problems: readonly string[];
}

/**
 * `adminip.txt` of a running server. It is looked at for each login, so that a change holds at once. A file that cannot be read lets
 * nobody in: it is there to keep people out. (The official server then lets everybody in.)
 */
export class AdminAddressFile {
  readonly #path: string;
  readonly #onProblem: (problem: string) => void;
  #last: LookedAt | undefined;

  /** @param onProblem told once of each thing that is not as it should be */
  constructor(path: string, onProblem: (problem: string) => void) {
    this.#path = path;
    this.#onProblem = onProblem;
  }

  /** @param hubName empty for the administrator of the server */
  admits(peerAddress: string, hubName: string): boolean {
    const { rules } = this.#look();
    return rules === undefined || isAdminAddress(rules, peerAddress, hubName);
  }

  /** What is not as it should be with the file, for people. */
  get problems(): readonly string[] {
    return this.#look().problems;
  }

  /** What the file restricts, for people; nothing when there is none. */
  get restrictions(): string[] {
    const { rules } = this.#look();
    if (rules === undefined) return [];
    const lines = rules.length === 1 ? "1 line" : `${rules.length} lines`;
    return [`administrators come only from the addresses in ${this.#path} (${lines})`];
  }

  #look(): LookedAt {
    const version = versionOf(this.#path);
    if (this.#last?.version === version) return this.#last;
    const before = this.#last?.problems ?? [];
    this.#last = { version, ...readRules(this.#path) };
    for (const problem of this.#last.problems) if (!before.includes(problem)) this.#onProblem(problem);
    return this.#last;
  }
}

/** Tells a file from what it was before. */
function versionOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs, mode } = lstatSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs} ${mode}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

function readRules(path: string): Omit<LookedAt, "version"> {
  try {
    const { rules, problems } = parseAdminAddresses(readAdminAddresses(path));
    return { rules, problems: problems.slice(0, mostProblems).map((problem) => `${path}: ${problem}`) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { rules: undefined, problems: [] };
    const problem = `${path} cannot be read (${(error as Error).message}): nobody administers by vpncmd or JSON-RPC until it can, or is removed`;
    return { rules: [], problems: [problem] };
  }
}

const mostProblems = 5;

/** @throws Error when the file is none that can be read, or too large */
export function readAdminAddresses(path: string): string {
  return readOwnFileSync(path, adminAddressLimits.bytes).toString();
}

function parseNetwork(text: string): AdminAddressRule["network"] {
  const [first = "", second, more] = text.split("/");
  if (more !== undefined) return undefined;
  const address = parseAddress(first.replace(/^\[(.*)\]$/s, "$1"));
  if (address === undefined) return undefined;
  const bits = address.length * 8;
  if (second === undefined) return { address, mask: maskOf(bits, address.length) };
  if (/^\d{1,3}$/.test(second)) {
    return Number(second) <= bits ? { address, mask: maskOf(Number(second), address.length) } : undefined;
  }
  const mask = parseAddress(second);
  return mask?.length === address.length ? { address, mask } : undefined;
}

function maskOf(bits: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_value, index) => {
    const inByte = Math.min(Math.max(bits - index * 8, 0), 8);
    return 0xff & (0xff << (8 - inByte));
  });
}

function holds({ address, mask }: NonNullable<AdminAddressRule["network"]>, source: Uint8Array): boolean {
  return (
    source.length === address.length &&
    source.every((byte, index) => {
      const bits = mask[index] ?? 0xff;
      return (byte & bits) === ((address[index] ?? 0) & bits);
    })
  );
}
