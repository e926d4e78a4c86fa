import { read32, tcpFlags, type Frame } from "../ethernet/frame.ts";
import { isUserList, type AccessEndpoint, type AccessRule } from "../settings/access-rule.ts";

/** Who sends or gets a frame, as rules name users and groups. */
export interface AccessParty {
  /** Name of the user, in lower case. */
  readonly userKey: string;
  /** Name of the user's group, in lower case. */
  readonly groupKey: string | undefined;
}

/** Four words of an address and of its mask; the address is masked already. */
interface CompiledNetwork {
  readonly address: readonly [number, number, number, number];
  readonly mask: readonly [number, number, number, number];
}

interface CompiledEndpoint {
  readonly network: CompiledNetwork | undefined;
  readonly mac: CompiledMac | undefined;
  readonly ports: { readonly first: number; readonly last: number } | undefined;
  readonly userKey: string | undefined;
}

interface CompiledMac {
  readonly word0: number;
  readonly word1: number;
  readonly mask0: number;
  readonly mask1: number;
}

interface CompiledRule {
  readonly rule: AccessRule;
  readonly source: CompiledEndpoint;
  readonly destination: CompiledEndpoint;
  readonly isIpv4: boolean;
  readonly hasPorts: boolean;
}

/**
 * The active rules of a hub's access list, ready to be tried (`Cedar/Hub.c` IsPacketMaskedByAccessList).
 *
 * The rules up to the first one that names a receiver's user are tried when a frame comes in. Where none of them fits, those
 * from there on are tried for each receiver.
 */
export class AccessList {
  readonly #onEntry: readonly CompiledRule[];
  readonly #onDelivery: readonly CompiledRule[];
  readonly #applyToArp: boolean;

  constructor(rules: readonly AccessRule[], options: { readonly applyToArp: boolean }) {
    const compiled = rules
      .filter(({ active }) => active)
      .sort((a, b) => a.priority - b.priority)
      .map(compile);
    const split = compiled.findIndex(({ destination }) => destination.userKey !== undefined);
    this.#onEntry = split === -1 ? compiled : compiled.slice(0, split);
    this.#onDelivery = split === -1 ? [] : compiled.slice(split);
    this.#applyToArp = options.applyToArp;
  }

  get isEmpty(): boolean {
    return this.#onEntry.length === 0 && this.#onDelivery.length === 0;
  }

  /** Whether there are rules to be tried for each receiver. */
  get dependsOnReceiver(): boolean {
    return this.#onDelivery.length > 0;
  }

  /** The rule that decides when a frame comes in, if one fits. */
  findOnEntry(frame: Frame, sender: AccessParty): AccessRule | undefined {
    for (const rule of this.#onEntry) if (this.#fits(rule, frame, sender, undefined)) return rule.rule;
    return undefined;
  }

  /** Whether a frame that no rule decided when it came in may go to a receiver. */
  admits(frame: Frame, sender: AccessParty, receiver: AccessParty): boolean {
    for (const rule of this.#onDelivery) {
      if (this.#fits(rule, frame, sender, receiver)) return rule.rule.action === "pass";
    }
    return true;
  }

  #fits(
    { rule, source, destination, isIpv4, hasPorts }: CompiledRule,
    frame: Frame,
    sender: AccessParty,
    receiver: AccessParty | undefined,
  ): boolean {
    if (frame.network === "arp" && !this.#applyToArp) return false;
    if (source.mac !== undefined && !macFits(source.mac, frame.source0, frame.source1)) return false;
    if (destination.mac !== undefined && !macFits(destination.mac, frame.destination0, frame.destination1))
      return false;
    if (source.userKey !== undefined && !partyFits(source.userKey, sender)) return false;
    if (
      destination.userKey !== undefined &&
      (receiver === undefined || !partyFits(destination.userKey, receiver))
    )
      return false;
    if (!networksFit(isIpv4, source.network, destination.network, frame)) return false;
    const isOfVersion = frame.network === (isIpv4 ? "ipv4" : "ipv6");
    if (rule.protocol !== undefined && (!isOfVersion || frame.protocol !== rule.protocol)) return false;
    if (hasPorts) {
      if (!isOfVersion || (frame.transport !== "tcp" && frame.transport !== "udp")) return false;
      if (!portFits(source, frame.sourcePort) || !portFits(destination, frame.destinationPort)) return false;
    }
    if (rule.established === undefined) return true;
    const opens = (frame.tcpFlags & (tcpFlags.syn | tcpFlags.ack)) === tcpFlags.syn;
    return isOfVersion && frame.transport === "tcp" && rule.established === !opens;
  }
}

function compile(rule: AccessRule): CompiledRule {
  const isIpv4 = rule.version === "ipv4";
  const endpoint = ({ user, ...others }: AccessEndpoint) => {
    const isEverybody = rule.action === "discard" && isUserList(user);
    return compileEndpoint({ ...others, user: isEverybody ? undefined : user }, isIpv4);
  };
  return {
    rule,
    source: endpoint(rule.source),
    destination: endpoint(rule.destination),
    isIpv4,
    hasPorts: rule.source.ports !== undefined || rule.destination.ports !== undefined,
  };
}

function compileEndpoint({ network, mac, ports, user }: AccessEndpoint, isIpv4: boolean): CompiledEndpoint {
  return {
    network: network === undefined ? undefined : compileNetwork(network, isIpv4),
    mac: mac === undefined ? undefined : compileMac(mac),
    ports,
    userKey: user?.toLowerCase(),
  };
}

function compileNetwork(
  { address, mask }: NonNullable<AccessEndpoint["network"]>,
  isIpv4: boolean,
): CompiledNetwork {
  if (isIpv4) {
    const word = read32(mask, 0);
    return { address: [0, 0, 0, read32(address, 0) & word], mask: [0, 0, 0, word] };
  }
  const maskWord = (index: number) => read32(mask, index * 4);
  const addressWord = (index: number) => read32(address, index * 4) & maskWord(index);
  return {
    address: [addressWord(0), addressWord(1), addressWord(2), addressWord(3)],
    mask: [maskWord(0), maskWord(1), maskWord(2), maskWord(3)],
  };
}

function compileMac({ address, mask }: NonNullable<AccessEndpoint["mac"]>): CompiledMac {
  const word0 = (bytes: Uint8Array) => ((bytes[0] as number) << 8) | (bytes[1] as number);
  const [mask0, mask1] = [word0(mask), read32(mask, 2)];
  return { word0: word0(address) & mask0, word1: read32(address, 2) & mask1, mask0, mask1 };
}

function macFits(
  { word0: expected0, word1: expected1, mask0, mask1 }: CompiledMac,
  word0: number,
  word1: number,
) {
  return (word0 & mask0) === expected0 && (word1 & mask1) === expected1;
}

function partyFits(key: string, { userKey, groupKey }: AccessParty): boolean {
  return key === userKey || key === groupKey;
}

function portFits({ ports }: CompiledEndpoint, port: number): boolean {
  return ports === undefined || (port >= ports.first && port <= ports.last);
}

function networksFit(
  isIpv4: boolean,
  source: CompiledNetwork | undefined,
  destination: CompiledNetwork | undefined,
  frame: Frame,
): boolean {
  if (source === undefined && destination === undefined) return true;
  const { network } = frame;
  const hasAddresses = isIpv4
    ? network === "ipv4" || (network === "arp" && frame.isArpOfIpv4)
    : network === "ipv6";
  if (!hasAddresses) return false;
  return (
    (source === undefined ||
      networkFits(source, frame.sourceIp0, frame.sourceIp1, frame.sourceIp2, frame.sourceIp3)) &&
    (destination === undefined ||
      networkFits(
        destination,
        frame.destinationIp0,
        frame.destinationIp1,
        frame.destinationIp2,
        frame.destinationIp3,
      ))
  );
}

function networkFits(
  { address, mask }: CompiledNetwork,
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): boolean {
  return (
    (word3 & mask[3]) === address[3] &&
    (word2 & mask[2]) === address[2] &&
    (word1 & mask[1]) === address[1] &&
    (word0 & mask[0]) === address[0]
  );
}
