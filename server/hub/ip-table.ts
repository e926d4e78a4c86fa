import { hubLimits } from "../limits.ts";
import { icmpv6Types, mappedIpv4Word, type Frame } from "../ethernet/frame.ts";
import { AddressTable, type AddressEntry } from "./address-table.ts";
import type { HubOptions } from "../settings/hub-settings.ts";
import type { DropReason } from "./port-counters.ts";
import type { PortState } from "./port-state.ts";

/** First half of the made-up MAC addresses with which hubs ask for IP addresses; they use addresses of 172.31.0.0/16. */
const hubMacWord = 0x00ae;
const hubNetworkWord = 0xac1f;

/** IP addresses and the ports that use them (`Cedar/Hub.c`, StorePacket). */
export class IpTable {
  /** IPv4 addresses stand in it as `::ffff:a.b.c.d`. */
  readonly ipv4: AddressTable;
  readonly ipv6: AddressTable;

  constructor(seed: number) {
    this.ipv4 = new AddressTable({ limit: hubLimits.ipEntries, seed });
    this.ipv6 = new AddressTable({ limit: hubLimits.ipEntries, seed });
  }

  /** Takes note of the sender's address; gives the reason when it may not use it. */
  learn(source: PortState, frame: Frame, options: HubOptions, now: number): DropReason | undefined {
    if (frame.network === "ipv6") return this.#learnIpv6(source, frame, options, now);
    if (frame.network === "ipv4" ? !frame.isDhcp : frame.isArpOfIpv4)
      return this.#learnIpv4(source, frame, options, now);
    return undefined;
  }

  /**
   * Takes note of the address that a DHCP server has assigned.
   *
   * @returns whether the address was not there before
   */
  assign(owner: number, address: number, now: number): boolean {
    const table = this.ipv4;
    const slot = table.find(0, 0, mappedIpv4Word, address);
    if (slot !== -1) {
      table.move(slot, owner, now);
      table.markDhcp(slot);
      return false;
    }
    table.markDhcp(table.add(0, 0, mappedIpv4Word, address, owner, now));
    return true;
  }

  removeOwner(owner: number): void {
    this.ipv4.removeOwner(owner);
    this.ipv6.removeOwner(owner);
  }

  /** @returns whether no entry is left that has aged; see {@link AddressTable.removeAged} */
  removeAged(now: number, most?: number): boolean {
    const { ipAgeMs, dhcpIpAgeMs } = hubLimits;
    const [ipv4, ipv6] = [this.ipv4, this.ipv6].map((table) =>
      table.removeAged(now, ipAgeMs, dhcpIpAgeMs, most),
    );
    return ipv4 === true && ipv6 === true;
  }

  get size(): number {
    return this.ipv4.size + this.ipv6.size;
  }

  /** Takes an address out, if it is there. */
  delete(words: AddressEntry["words"]): void {
    this.ipv4.delete(words);
    this.ipv6.delete(words);
  }

  *entries(): Generator<AddressEntry> {
    yield* this.ipv4.entries();
    yield* this.ipv6.entries();
  }

  #learnIpv4(source: PortState, frame: Frame, options: HubOptions, now: number): DropReason | undefined {
    const { ipv4: table } = this;
    const address = frame.sourceIp3;
    if (address === 0 || address === -1) return undefined;
    if (frame.source0 === hubMacWord && address >>> 16 === hubNetworkWord) return undefined;
    const slot = table.find(0, 0, mappedIpv4Word, address);
    const { policy } = source;
    if (slot === -1) {
      if (policy.DHCPForce) return "dhcpForce";
      if (source.ipv4Limit !== 0 && table.ownedBy(source.id) >= source.ipv4Limit)
        return policy.NoRouting ? "routingLimit" : "ipLimit";
      if (!options.ManageOnlyPrivateIP || isPrivateIpv4(address))
        table.add(0, 0, mappedIpv4Word, address, source.id, now);
      return undefined;
    }
    if (table.owner(slot) === source.id) {
      table.refresh(slot, now);
      return undefined;
    }
    if ((policy.CheckIP || policy.DHCPForce) && now - table.updatedAt(slot) <= hubLimits.exclusiveMs)
      return "ipConflict";
    if (policy.DHCPForce && !table.isDhcp(slot)) return "dhcpForce";
    table.move(slot, source.id, now);
    return undefined;
  }

  #learnIpv6(source: PortState, frame: Frame, options: HubOptions, now: number): DropReason | undefined {
    const { ipv6: table } = this;
    const { sourceIp0: word0, sourceIp1: word1, sourceIp2: word2, sourceIp3: word3 } = frame;
    // Multicast, `::` and `::1` are no address of a station.
    if (word0 >>> 24 === 0xff) return undefined;
    if (word0 === 0 && word1 === 0 && word2 === 0 && (word3 === 0 || word3 === 1)) return undefined;
    const slot = table.find(word0, word1, word2, word3);
    const { policy } = source;
    if (slot === -1) {
      if (
        source.ipv6Limit !== 0 &&
        !configuresAddresses(frame) &&
        table.ownedBy(source.id) >= source.ipv6Limit
      )
        return policy.NoRoutingV6 ? "routingLimit" : "ipLimit";
      if (!options.ManageOnlyLocalUnicastIPv6 || isLocalIpv6(word0))
        table.add(word0, word1, word2, word3, source.id, now);
      return undefined;
    }
    if (table.owner(slot) === source.id) {
      table.refresh(slot, now);
      return undefined;
    }
    if (policy.CheckIPv6 && now - table.updatedAt(slot) <= hubLimits.exclusiveMs) return "ipConflict";
    table.move(slot, source.id, now);
    return undefined;
  }
}

/** Private addresses (RFC 1918), link-local ones (RFC 3927) and those of carriers (RFC 6598). */
export function isPrivateIpv4(address: number): boolean {
  const first = address >>> 24;
  if (first === 10) return true;
  const word = address >>> 16;
  return (
    word === 0xc0a8 || word === 0xa9fe || (word >= 0xac10 && word <= 0xac1f) || (word & 0xffc0) === 0x6440
  );
}

/** Link-local addresses (RFC 4291 section 2.5.6), by their first word. */
export function isLocalIpv6(word0: number): boolean {
  return word0 >>> 22 === 0xfe80 >>> 6;
}

/** Messages by which a station gets its addresses: without them it could not begin. */
function configuresAddresses(frame: Frame): boolean {
  if (frame.isDhcpv6) return true;
  const { routerSolicitation, routerAdvertisement } = icmpv6Types;
  return (
    frame.transport === "icmpv6" &&
    (frame.icmpType === routerSolicitation || frame.icmpType === routerAdvertisement)
  );
}
