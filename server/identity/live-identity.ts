import type { ServerIdentity } from "../settings/server-settings.ts";
import {
  loadOrCreateCertificate,
  regenerateCertificate,
  replaceCertificate,
  type CertificatePaths,
  type ServerCertificate,
} from "./certificate.ts";
import { restoreCertificate, withKnownChain } from "./certificate-files.ts";
import type { IdentityPem } from "./identity-check.ts";

/** What the server is known by at present, and the one way to change it: on the disk first, then shown. */
export class LiveIdentity {
  readonly #paths: CertificatePaths;
  readonly #shown: ((certificate: ServerCertificate) => void | Promise<void>)[] = [];
  #current: ServerCertificate;

  private constructor(paths: CertificatePaths, current: ServerCertificate) {
    this.#paths = paths;
    this.#current = current;
  }

  /**
   * Loads certificate and key, takes them from the configuration where there are no files of them, and makes them where it has none.
   *
   * @throws {ServerError} STATE_INVALID when they cannot be used
   */
  static async open(paths: CertificatePaths, configured: ServerIdentity | undefined): Promise<LiveIdentity> {
    await restoreCertificate(paths, configured);
    return new LiveIdentity(paths, await loadOrCreateCertificate(paths));
  }

  get current(): ServerCertificate {
    return this.#current;
  }

  /** Calls back with the certificate now and after each change, which waits for it. */
  async onShown(shown: (certificate: ServerCertificate) => void | Promise<void>): Promise<void> {
    this.#shown.push(shown);
    await shown(this.#current);
  }

  /**
   * Takes another certificate, with its chain and key, for all connections from now on; resolves once it is on the disk. Sessions
   * go on.
   *
   * @throws {ServerError} USAGE for what the server could not serve with, STATE_INVALID; the former one stays then
   */
  async replace(identity: IdentityPem): Promise<void> {
    await this.#show(await replaceCertificate(this.#paths, identity));
  }

  /** The same, with the chain that is known where it came without one. */
  async replaceWithKnownChain(identity: IdentityPem): Promise<void> {
    await this.replace(await withKnownChain(this.#paths, identity, this.#current));
  }

  /** Makes a new self-signed pair for a name. */
  async regenerate(commonName: string): Promise<void> {
    await this.#show(await regenerateCertificate(this.#paths, commonName));
  }

  async #show(certificate: ServerCertificate): Promise<void> {
    this.#current = certificate;
    for (const shown of this.#shown) await shown(certificate);
  }
}
