import { dhcpOptions, dhcpTypes, type DhcpMessage } from "./dhcp-message.ts";
import { LeaseTable, type AddressPool, type Lease } from "./lease-table.ts";
import { encodeStaticRoutes, type StaticRoute } from "./static-routes.ts";

/** What clients get. Addresses are numbers of 32 bits, 0 for none. */
export interface DhcpSettings {
  /** Of this server. */
  readonly serverAddress: number;
  readonly range: { readonly first: number; readonly last: number };
  readonly mask: number;
  readonly leaseSeconds: number;
  readonly gateway: number;
  readonly nameServers: readonly number[];
  readonly domainName: string;
  readonly routes: readonly StaticRoute[];
}

/** A lease that is shorter would have clients ask all the time (`Cedar/Virtual.h`, DHCP_MIN_EXPIRE_TIMESPAN). */
const leastLeaseSeconds = 15;
/** How long an offer is kept for the client to take (`Cedar/Virtual.c`). */
const offerMs = 5_000;
/** How long an address is not given that somebody was found to use. */
const declinedMs = 10 * 60_000;
const mostHostNameCharacters = 255;
/** SecureNAT of another server, which asks for an address in this one's name (`Cedar/Virtual.h`). */
const ownHostNames = /^securenat[-_]/i;

export interface DhcpServerOptions {
  /** Of a former run. */
  readonly leases?: Iterable<Lease> | undefined;
  /** A client got an address, or asked for it again. */
  readonly leased?: ((lease: Lease) => void) | undefined;
}

/** A DHCP server (RFC 2131) for one network, which has no socket: messages in, messages out. */
export class DhcpServer {
  readonly #leases: LeaseTable;
  readonly #now: () => number;
  readonly #leased: DhcpServerOptions["leased"];
  #settings: DhcpSettings;
  /** Leases that began, ended or went on, since the beginning. */
  #changes = 0;

  /** @param now milliseconds since 1970 */
  constructor(settings: DhcpSettings, now: () => number, { leases = [], leased }: DhcpServerOptions = {}) {
    this.#settings = settings;
    this.#now = now;
    this.#leases = new LeaseTable(poolOf(settings), leases);
    this.#leased = leased;
  }

  /** Clients get the new settings when they ask again. */
  apply(settings: DhcpSettings): void {
    this.#settings = settings;
    this.#leases.pool = poolOf(settings);
  }

  /** Those that hold now. */
  leases(): Lease[] {
    return [...this.#leases.valid(this.#now())];
  }

  /** What another run may begin with: those that have expired too, so that a client gets the address that it had. */
  keptLeases(): Lease[] {
    return [...this.#leases.kept()];
  }

  /** How often they have changed. */
  get leaseChanges(): number {
    return this.#changes;
  }

  /** A station was heard that uses an address, behind the port of the number `from`. */
  heard(address: number, from: number): void {
    this.#leases.heard(address, from);
  }

  /**
   * Takes a message, which the port of the number `from` sent.
   *
   * @returns what to answer, if anything
   */
  answer(message: DhcpMessage, from: number): DhcpMessage | undefined {
    if (message.isReply || ownHostNames.test(textOf(message, dhcpOptions.hostName))) return undefined;
    switch (message.options.get(dhcpOptions.messageType)?.[0] ?? 0) {
      case dhcpTypes.discover:
        return this.#offer(message, from);
      case dhcpTypes.request:
        return this.#assign(message, from);
      case dhcpTypes.decline:
        return this.#decline(message, from);
      case dhcpTypes.release:
        return this.#release(message, from);
      case dhcpTypes.inform:
        return this.#reply(message, dhcpTypes.ack, 0, this.#network(message));
      default:
        return undefined;
    }
  }

  #offer(message: DhcpMessage, from: number): DhcpMessage | undefined {
    const now = this.#now();
    const mac = macOf(message);
    const address = this.#leases.choose(mac, addressOf(message, dhcpOptions.requestedAddress), now, from);
    if (address === undefined) return undefined;
    const former = this.#leases.of(mac);
    const holds =
      former !== undefined && former.address === address && former.expiresAt > now && !former.isOffer;
    if (!holds) {
      const hostName = textOf(message, dhcpOptions.hostName);
      this.#leases.put(
        { address, mac, hostName, leasedAt: now, expiresAt: now + offerMs, isOffer: true },
        from,
      );
    }
    return this.#reply(message, dhcpTypes.offer, address, [...this.#times(), ...this.#network(message)]);
  }

  #assign(message: DhcpMessage, from: number): DhcpMessage | undefined {
    const now = this.#now();
    const mac = macOf(message);
    const server = addressOf(message, dhcpOptions.serverIdentifier);
    if (server !== 0 && server !== this.#settings.serverAddress) {
      // The client took what another server offered.
      const offer = this.#leases.of(mac);
      if (offer?.isOffer === true) this.#leases.put({ ...offer, expiresAt: now }, from);
      return undefined;
    }
    const address = message.clientAddress || addressOf(message, dhcpOptions.requestedAddress);
    if (!this.#leases.mayTake(address, mac, now, from)) return this.#reply(message, dhcpTypes.nak, 0, []);
    const lease: Lease = {
      address,
      mac,
      hostName: textOf(message, dhcpOptions.hostName),
      leasedAt: now,
      expiresAt: now + this.#leaseSeconds() * 1_000,
      isOffer: false,
    };
    this.#leases.put(lease, from);
    this.#changes++;
    this.#leased?.(lease);
    return this.#reply(message, dhcpTypes.ack, address, [...this.#times(), ...this.#network(message)]);
  }

  #decline(message: DhcpMessage, from: number): undefined {
    const address = addressOf(message, dhcpOptions.requestedAddress);
    const lease = this.#leases.of(macOf(message));
    // Only what it was given itself: nobody may use up the addresses of others.
    if (lease?.address !== address) return;
    const now = this.#now();
    this.#leases.put({ ...lease, mac: "", hostName: "", expiresAt: now + declinedMs, isOffer: false }, from);
  }

  #release(message: DhcpMessage, from: number): undefined {
    const lease = this.#leases.of(macOf(message));
    if (lease?.address !== message.clientAddress) return;
    this.#leases.put({ ...lease, expiresAt: this.#now() }, from);
    this.#changes++;
  }

  #leaseSeconds(): number {
    return Math.max(this.#settings.leaseSeconds, leastLeaseSeconds);
  }

  #times(): Options {
    const seconds = this.#leaseSeconds();
    return [
      [dhcpOptions.leaseSeconds, u32(seconds)],
      [dhcpOptions.renewalSeconds, u32(Math.floor(seconds / 2))],
      [dhcpOptions.rebindingSeconds, u32(Math.floor((seconds * 7) / 8))],
    ];
  }

  /**
   * What the client asks for, which is all when it does not say (RFC 2131, section 4.3.1). Who takes the routes of option 121 leaves the
   * router alone (RFC 3442), so that the default route is one of them.
   */
  #network({ options }: DhcpMessage): Options {
    const asked = options.get(dhcpOptions.parameterRequestList);
    const always = dhcpOptions.subnetMask;
    return this.#wholeNetwork().filter(
      ([code]) => asked === undefined || code === always || asked.includes(code),
    );
  }

  #wholeNetwork(): Options {
    const { mask, gateway, nameServers, domainName, routes } = this.#settings;
    const servers = nameServers.filter((address) => address !== 0);
    const all = gateway === 0 ? routes : [...routes, { network: 0, mask: 0, gateway }];
    const classless = encodeStaticRoutes(all);
    return [
      [dhcpOptions.subnetMask, u32(mask)],
      ...(gateway === 0 ? [] : ([[dhcpOptions.router, u32(gateway)]] as const)),
      ...(servers.length === 0
        ? []
        : ([[dhcpOptions.nameServers, Buffer.concat(servers.map(u32))]] as const)),
      ...(domainName === "" ? [] : ([[dhcpOptions.domainName, Buffer.from(domainName)]] as const)),
      ...(routes.length === 0
        ? []
        : ([
            [dhcpOptions.classlessRoutes, classless],
            [dhcpOptions.classlessRoutesOfWindows, classless],
          ] as const)),
    ];
  }

  #reply(message: DhcpMessage, type: number, yourAddress: number, options: Options): DhcpMessage {
    return {
      isReply: true,
      transactionId: message.transactionId,
      broadcast: message.broadcast,
      clientAddress: type === dhcpTypes.nak ? 0 : message.clientAddress,
      yourAddress,
      relayAddress: message.relayAddress,
      clientMac: message.clientMac,
      options: new Map<number, Uint8Array>([
        [dhcpOptions.messageType, Uint8Array.of(type)],
        [dhcpOptions.serverIdentifier, u32(this.#settings.serverAddress)],
        ...options,
      ]),
    };
  }
}

/** Neither the server's own address nor one that clients are told of is theirs. */
function poolOf({ range, serverAddress, gateway, nameServers }: DhcpSettings): AddressPool {
  return { ...range, taken: [serverAddress, gateway, ...nameServers] };
}

type Options = readonly (readonly [code: number, value: Uint8Array])[];

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function macOf({ clientMac }: DhcpMessage): string {
  return Buffer.from(clientMac).toString("hex");
}

function addressOf({ options }: DhcpMessage, code: number): number {
  const value = options.get(code);
  return value?.length === 4 ? Buffer.from(value).readUInt32BE() : 0;
}

/** What a client says of itself goes to logs and tables: without what would disturb these. */
function textOf({ options }: DhcpMessage, code: number): string {
  const text = Buffer.from(options.get(code) ?? []).toString("utf8");
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "").slice(0, mostHostNameCharacters);
}
