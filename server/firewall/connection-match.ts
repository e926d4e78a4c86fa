import { isRecord, type Statement } from "./ruleset.ts";

/**
 * Whether a condition of a rule holds for the first packet of a TCP connection that any other host makes to a port:
 *
 * - `always`, `never`;
 * - `some`: for a part of such connections, or it cannot be told;
 * - `exception`: for named peers only, or for a flood of connections: what a ban or a rate limit asks for.
 */
export type Applies = "always" | "never" | "some" | "exception";

/** Tells whether a whole rule applies, from its conditions: the least of them decides. */
export function applies(statements: readonly Statement[], port: number): Applies {
  const order = ["never", "exception", "some", "always"] as const;
  const found = new Set(statements.map((statement) => statementApplies(statement, port)));
  return order.find((each) => found.has(each)) ?? "always";
}

function statementApplies(statement: Statement, port: number): Applies {
  const { match, limit, set } = statement;
  if (isRecord(match)) return matchApplies(match, port);
  // `limit rate over` holds only beyond the rate.
  if (isRecord(limit)) return limit["inv"] === true ? "exception" : "some";
  if ("ct count" in statement) return "exception";
  // `add @meter { ip saddr limit rate over ... }`: holds for the peers that exceed it.
  if (isRecord(set)) return Array.isArray(set["stmt"]) && set["stmt"].length > 0 ? "exception" : "always";
  if ("meter" in statement) return "exception";
  // A match of iptables that nft cannot put into its own words.
  if (isRecord(statement["xt"])) return statement["xt"]["type"] === "target" ? "always" : "some";
  return "always";
}

function matchApplies(match: Readonly<Record<string, unknown>>, port: number): Applies {
  const { left, right, op } = match;
  const facts = factsAbout(left, port);
  if (facts === undefined) return "some";
  if (facts === "other protocol") return "never";
  if (facts === "peer") return op === "!=" ? "some" : "exception";
  const held = contains(right, facts);
  if (held === undefined) return "some";
  return held === (op !== "!=") ? "always" : "never";
}

/**
 * The values that a selector of nft may have for such a packet: alternatives, each of which is right, as `tcp` and 6.
 * `undefined` when they are not known.
 */
type Facts = readonly (string | number)[] | "other protocol" | "peer" | undefined;

export function factsAbout(selector: unknown, port: number): Facts {
  if (!isRecord(selector)) return undefined;
  const { payload, meta, ct, fib } = selector;
  if (isRecord(payload)) return payloadFacts(payload, port);
  if (isRecord(ct)) return ct["key"] === "state" ? ["new"] : undefined;
  if (isRecord(fib)) {
    if (fib["result"] === "type") return includes(fib["flags"], "daddr") ? ["local"] : undefined;
    // `fib saddr . iif oif missing`: a forged sender.
    return "peer";
  }
  if (isRecord(meta)) {
    switch (meta["key"]) {
      case "l4proto":
        return ["tcp", 6];
      case "pkttype":
        return ["host", "unicast"];
      case "iifname":
      case "iif":
        return ["another host's interface"];
      default:
        return undefined;
    }
  }
  if (Array.isArray(selector["&"])) return flagFacts(selector["&"]);
  if (Array.isArray(selector["concat"])) {
    return selector["concat"].some((part) => factsAbout(part, port) === "peer") ? "peer" : undefined;
  }
  return undefined;
}

function payloadFacts(payload: Readonly<Record<string, unknown>>, port: number): Facts {
  const { protocol, field } = payload;
  switch (protocol) {
    case "tcp":
    case "th":
      if (field === "dport") return [port];
      return field === "flags" ? ["syn"] : undefined;
    case "ip":
    case "ip6":
      if (field === "saddr") return "peer";
      return field === "protocol" || field === "nexthdr" ? ["tcp", 6] : undefined;
    case "ether":
      return field === "saddr" ? "peer" : undefined;
    case undefined:
      return undefined;
    default:
      return "other protocol";
  }
}

/** `tcp flags & (fin | syn | rst | ack)`: of a packet that has only SYN set. */
function flagFacts(operands: readonly unknown[]): Facts {
  const [selector, mask] = operands;
  const payload = isRecord(selector) ? selector["payload"] : undefined;
  if (!isRecord(payload) || payload["protocol"] !== "tcp" || payload["field"] !== "flags") return undefined;
  return valuesOf(mask)?.includes("syn") ? ["syn"] : [0];
}

/** Whether the right side of a match, or the key of a map, holds one of `facts`; `undefined` when it cannot be told. */
export function contains(right: unknown, facts: readonly (string | number)[]): boolean | undefined {
  const values = valuesOf(right);
  if (values === undefined) {
    // Of interfaces only the loopback one is known: everything else may be where the others come from.
    return undefined;
  }
  const interfaces = facts[0] === "another host's interface";
  if (interfaces) return values.every((value) => value === "lo") ? false : undefined;
  return values.some((value) =>
    isRecord(value) ? inRange(value["range"], facts) : facts.includes(value as string | number),
  );
}

/** A value, list or set of nft as plain values and ranges; `undefined` when it is a named set, or something else. */
function valuesOf(right: unknown): readonly unknown[] | undefined {
  if (typeof right === "number") return [right];
  if (typeof right === "string") return right.startsWith("@") ? undefined : [right];
  const list = isRecord(right) ? (right["set"] ?? right["|"] ?? (right["range"] && [right])) : right;
  if (typeof list === "string" || typeof list === "number") return [list];
  if (!Array.isArray(list)) return undefined;
  const plain = list.map((each: unknown) =>
    isRecord(each) && isRecord(each["elem"]) ? each["elem"]["val"] : each,
  );
  return plain.every(isPlainOrRange) ? plain : undefined;
}

function isPlainOrRange(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || (isRecord(value) && "range" in value);
}

function inRange(range: unknown, facts: readonly (string | number)[]): boolean {
  if (!Array.isArray(range)) return false;
  const [low, high] = range as unknown[];
  return facts.some(
    (fact) =>
      typeof fact === "number" &&
      typeof low === "number" &&
      typeof high === "number" &&
      low <= fact &&
      fact <= high,
  );
}

function includes(list: unknown, value: string): boolean {
  return list === value || (Array.isArray(list) && list.includes(value));
}
