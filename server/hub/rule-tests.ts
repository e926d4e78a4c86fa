import { read32, tcpFlags, type Frame } from "../ethernet/frame.ts";
import { stepMeter, type Steps } from "../turns.ts";
import type { AccessEndpoint, AccessRule } from "../settings/access-rule.ts";

/** The words of a frame that tests are about, by their place in {@link FrameWords}. */
const fields = {
  sourceIp: 0,
  destinationIp: 4,
  sourceMac: 8,
  destinationMac: 10,
  sourcePort: 12,
  destinationPort: 13,
  protocol: 14,
  /** What it is: bits of {@link needs}. */
  meets: 15,
} as const;
export const fieldCount = 16;

/** What a rule may need a frame to be. */
const needs = {
  ipv4Addresses: 1,
  ipv6Addresses: 2,
  ipv4: 4,
  ipv6: 8,
  ports: 16,
  opening: 32,
  established: 64,
  /** No frame is it. */
  impossible: 128,
} as const;

/** Numbers of one test: the masked word of the field is from `low` to `low + span`. */
export const testWords = 4;
/** Of one rule at most: one of each field. */
const mostTests = fieldCount;
const sketchPlaces = 1 << 16;
/** Units of work that it takes to read a rule, and to put the tests of one in order. */
const unitsPerRule = 512;

/** What of a frame rules are about; read anew for each frame. */
export class FrameWords {
  readonly words = new Int32Array(fieldCount);

  read(frame: Frame): void {
    const { words } = this;
    words[0] = frame.sourceIp0;
    words[1] = frame.sourceIp1;
    words[2] = frame.sourceIp2;
    words[3] = frame.sourceIp3;
    words[4] = frame.destinationIp0;
    words[5] = frame.destinationIp1;
    words[6] = frame.destinationIp2;
    words[7] = frame.destinationIp3;
    words[8] = frame.source0;
    words[9] = frame.source1;
    words[10] = frame.destination0;
    words[11] = frame.destination1;
    words[12] = frame.sourcePort;
    words[13] = frame.destinationPort;
    words[14] = frame.protocol;
    words[15] = needsMetBy(frame);
  }
}

function needsMetBy({ network, transport, tcpFlags: flags, isArpOfIpv4 }: Frame): number {
  if (network === "arp") return isArpOfIpv4 ? needs.ipv4Addresses : 0;
  let met = 0;
  if (network === "ipv4") met = needs.ipv4 | needs.ipv4Addresses;
  else if (network === "ipv6") met = needs.ipv6 | needs.ipv6Addresses;
  if (transport === "udp") return met | needs.ports;
  if (transport !== "tcp") return met;
  const opens = (flags & (tcpFlags.syn | tcpFlags.ack)) === tcpFlags.syn;
  return met | needs.ports | (opens ? needs.opening : needs.established);
}

/**
 * The conditions of rules, but for the names of users, as numbers side by side: so many rules are soon made ready and soon tried. The
 * first test of each rule is the one that few frames pass and few other rules have.
 */
export class RuleTests {
  /** {@link testWords} numbers for each test: field, mask, low, span. */
  readonly tests: Int32Array;
  /** Where the tests of a rule begin; those of the next one follow. */
  readonly starts: Int32Array;

  private constructor(tests: Int32Array, starts: Int32Array) {
    this.tests = tests;
    this.starts = starts;
  }

  static *inSteps(rules: readonly AccessRule[]): Steps<RuleTests> {
    let tests = new Int32Array((4 * rules.length + mostTests) * testWords);
    const starts = new Int32Array(rules.length + 1);
    const writing = stepMeter();
    let end = 0;
    for (let rule = 0; rule < rules.length; rule++) {
      if (writing(unitsPerRule)) yield;
      if (end + mostTests * testWords > tests.length) {
        const larger = new Int32Array(2 * tests.length);
        larger.set(tests);
        tests = larger;
      }
      end = writeTests(rules[rule] as AccessRule, tests, end);
      starts[rule + 1] = end;
    }
    yield* sortTests(tests, starts);
    return new RuleTests(tests, starts);
  }

  /** Whether a rule fits, whoever it names. */
  fits(rule: number, { words }: FrameWords): boolean {
    const { tests } = this;
    const end = this.starts[rule + 1] as number;
    for (let at = this.starts[rule] as number; at < end; at += testWords) {
      const word = (words[tests[at] as number] as number) & (tests[at + 1] as number);
      if ((word - (tests[at + 2] as number)) >>> 0 > (tests[at + 3] as number)) return false;
    }
    return true;
  }
}

function needsOf({ version, source, destination, protocol, established }: AccessRule): number {
  const isIpv4 = version === "ipv4";
  let required = 0;
  if (source.network !== undefined || destination.network !== undefined)
    required |= isIpv4 ? needs.ipv4Addresses : needs.ipv6Addresses;
  const hasPorts = source.ports !== undefined || destination.ports !== undefined;
  if (hasPorts || protocol !== undefined || established !== undefined)
    required |= isIpv4 ? needs.ipv4 : needs.ipv6;
  if (hasPorts) required |= needs.ports;
  if (established !== undefined) required |= established ? needs.established : needs.opening;
  if (isEmptyRange(source) || isEmptyRange(destination)) required |= needs.impossible;
  return required;
}

function isEmptyRange({ ports }: AccessEndpoint): boolean {
  return ports !== undefined && ports.first > ports.last;
}

/** Writes the tests of a rule; gives where they end. */
function writeTests(rule: AccessRule, tests: Int32Array, at: number): number {
  const { version, source, destination, protocol } = rule;
  const isIpv4 = version === "ipv4";
  let end = writeEndpoint(source, isIpv4, fields.sourceIp, fields.sourceMac, fields.sourcePort, tests, at);
  const { destinationIp, destinationMac, destinationPort } = fields;
  end = writeEndpoint(destination, isIpv4, destinationIp, destinationMac, destinationPort, tests, end);
  if (protocol !== undefined) end = write(tests, end, fields.protocol, 0xff, protocol, 0);
  const required = needsOf(rule);
  return writeMasked(tests, end, fields.meets, required, required);
}

function writeEndpoint(
  { network, mac, ports }: AccessEndpoint,
  isIpv4: boolean,
  ipField: number,
  macField: number,
  portField: number,
  tests: Int32Array,
  at: number,
): number {
  let end = at;
  if (network !== undefined) {
    const { address, mask } = network;
    if (isIpv4) end = writeMasked(tests, end, ipField + 3, read32(mask, 0), read32(address, 0));
    else
      for (let word = 0; word < 4; word++)
        end = writeMasked(tests, end, ipField + word, read32(mask, 4 * word), read32(address, 4 * word));
  }
  if (mac !== undefined) {
    const { address, mask } = mac;
    end = writeMasked(tests, end, macField, firstOfMac(mask), firstOfMac(address));
    end = writeMasked(tests, end, macField + 1, read32(mask, 2), read32(address, 2));
  }
  if (ports !== undefined && ports.first <= ports.last)
    end = write(tests, end, portField, 0xffff, ports.first, ports.last - ports.first);
  return end;
}

function firstOfMac(bytes: Uint8Array): number {
  return ((bytes[0] as number) << 8) | (bytes[1] as number);
}

function writeMasked(tests: Int32Array, at: number, field: number, mask: number, value: number): number {
  return mask === 0 ? at : write(tests, at, field, mask, value & mask, 0);
}

function write(tests: Int32Array, at: number, field: number, mask: number, low: number, span: number) {
  tests[at] = field;
  tests[at + 1] = mask;
  tests[at + 2] = low;
  tests[at + 3] = span;
  return at + testWords;
}

/** Puts the tests first that let least pass: of many bits, and shared with few rules. */
function* sortTests(tests: Int32Array, starts: Int32Array): Steps<void> {
  const end = starts.at(-1) as number;
  // Counts how many rules have a test, roughly: tests that share a place are taken for one.
  const sketch = new Int32Array(sketchPlaces);
  const counting = stepMeter();
  for (let at = 0; at < end; at += testWords) {
    const place = placeOf(tests, at);
    sketch[place] = (sketch[place] as number) + 1;
    if (counting(8)) yield;
  }
  const costs = new Int32Array(mostTests);
  const sorting = stepMeter();
  for (let rule = 0; rule + 1 < starts.length; rule++) {
    const start = starts[rule] as number;
    const count = ((starts[rule + 1] as number) - start) / testWords;
    for (let index = 0; index < count; index++) {
      const at = start + index * testWords;
      const cost = 2 * (31 - Math.clz32(sketch[placeOf(tests, at)] as number)) - bitsOf(tests, at);
      let to = index;
      for (; to > 0 && (costs[to - 1] as number) > cost; to--) costs[to] = costs[to - 1] as number;
      costs[to] = cost;
      if (to < index) moveUp(tests, at, start + to * testWords);
    }
    if (sorting(unitsPerRule)) yield;
  }
}

/** Puts the test at `from` before the one at `to`, and what lies between behind it. */
function moveUp(tests: Int32Array, from: number, to: number): void {
  for (let word = 0; word < testWords; word++) {
    const moved = tests[from + word] as number;
    for (let at = from; at > to; at -= testWords) tests[at + word] = tests[at + word - testWords] as number;
    tests[to + word] = moved;
  }
}

function placeOf(tests: Int32Array, at: number): number {
  let hash = Math.imul((tests[at] as number) ^ (tests[at + 1] as number), 0x9e3779b1);
  hash = Math.imul((hash ^ (hash >>> 15)) + (tests[at + 2] as number), 0x85ebca77);
  hash = Math.imul((hash ^ (hash >>> 13)) + (tests[at + 3] as number), 0xc2b2ae3d);
  return (hash ^ (hash >>> 16)) & (sketchPlaces - 1);
}

/** How many bits a test is about, roughly. */
function bitsOf(tests: Int32Array, at: number): number {
  const span = tests[at + 3] as number;
  if (span !== 0) return Math.max(0, Math.clz32(span) - 16);
  let word = tests[at + 1] as number;
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
