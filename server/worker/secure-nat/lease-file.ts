import { readOwnFile } from "../../platform/own-file.ts";
import type { Lease } from "../../dhcp/lease-table.ts";
import { wordsOf } from "../../error-words.ts";
import { parseIpv4 } from "../../ethernet/ipv4-network.ts";
import { formatIpv4 } from "../../ethernet/word-address.ts";
import { writeFileAtomically } from "../../platform/atomic-file.ts";

/** By name of the hub in lower case. */
export type LeasesOfHubs = Map<string, readonly Lease[]>;

/**
 * The leases of a former run. They are of use and nothing depends on them: a client whose lease is not known asks again, and gets the
 * same address where it is free.
 *
 * @param onProblem is told why a file that is there cannot be read
 */
export async function readLeases(path: string, onProblem: (problem: string) => void): Promise<LeasesOfHubs> {
  try {
    const hubs = JSON.parse((await readOwnFile(path)).toString()) as Record<string, unknown>;
    return new Map(
      Object.entries(hubs).map(([hub, leases]) => [
        hub,
        Array.isArray(leases) ? leases.flatMap((lease) => leaseOf(lease) ?? []) : [],
      ]),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      onProblem(`cannot read ${path}, so that clients may get other addresses: ${wordsOf(error)}`);
    }
    return new Map();
  }
}

/** @throws Error as the file system has it */
export async function writeLeases(path: string, hubs: LeasesOfHubs): Promise<void> {
  const text = JSON.stringify(
    Object.fromEntries(
      [...hubs].map(([hub, leases]) => [
        hub,
        leases.map(({ address, mac, hostName, leasedAt, expiresAt }) => ({
          address: formatIpv4(address),
          mac,
          hostName,
          leasedAt: new Date(leasedAt).toISOString(),
          expiresAt: new Date(expiresAt).toISOString(),
        })),
      ]),
    ),
    undefined,
    1,
  );
  await writeFileAtomically(path, `${text}\n`, { mode: 0o600 });
}

function leaseOf(value: unknown): Lease | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { address, mac, hostName, leasedAt, expiresAt } = value as Record<string, unknown>;
  const number = parseIpv4(String(address));
  const [from, until] = [leasedAt, expiresAt].map((time) => Date.parse(String(time)));
  if (number === undefined || !/^[0-9a-f]{12}$/.test(String(mac))) return undefined;
  if (from === undefined || until === undefined || Number.isNaN(from) || Number.isNaN(until))
    return undefined;
  return {
    address: number,
    mac: String(mac),
    hostName: typeof hostName === "string" ? hostName.slice(0, 255) : "",
    leasedAt: from,
    expiresAt: until,
    isOffer: false,
  };
}
