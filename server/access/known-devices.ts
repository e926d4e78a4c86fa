import { passwordLimits } from "../limits.ts";

/**
 * Devices from which somebody has logged in to an account before, in memory alone: the latest ones of each account, and of the accounts
 * with the latest logins. Only who knows the password adds one, so that nobody who guesses pushes any out.
 */
export class KnownDevices {
  /** Both in the order of their last logins. */
  readonly #accounts = new Map<string, Set<string>>();

  /** Remembers that somebody has logged in to the account from there. */
  add(account: string, device: string): void {
    const devices = this.#accounts.get(account) ?? new Set();
    this.#accounts.delete(account);
    this.#accounts.set(account, devices);
    devices.delete(device);
    devices.add(device);
    dropOldest(devices, passwordLimits.devicesPerAccount);
    dropOldest(this.#accounts, passwordLimits.accounts);
  }

  has(account: string, device: string): boolean {
    return this.#accounts.get(account)?.has(device) ?? false;
  }
}

function dropOldest(entries: Set<string> | Map<string, unknown>, most: number): void {
  const [oldest] = entries.keys();
  if (entries.size > most && oldest !== undefined) entries.delete(oldest);
}
