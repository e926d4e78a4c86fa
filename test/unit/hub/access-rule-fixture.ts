import type { AccessEndpoint, AccessRule } from "../../../server/settings/access-rule.ts";

/** A rule that drops every frame, but for what is told otherwise. */
export function accessRule(
  rule: Partial<Omit<AccessRule, "source" | "destination">> & {
    readonly source?: Partial<AccessEndpoint>;
    readonly destination?: Partial<AccessEndpoint>;
  } = {},
): AccessRule {
  const any: AccessEndpoint = { network: undefined, mac: undefined, ports: undefined, user: undefined };
  return {
    priority: 1,
    active: true,
    note: "",
    action: "discard",
    version: "ipv4",
    protocol: undefined,
    established: undefined,
    delayMs: 0,
    jitterPercent: 0,
    lossPercent: 0,
    redirectUrl: "",
    ...rule,
    source: { ...any, ...rule.source },
    destination: { ...any, ...rule.destination },
  };
}

/** A network such as `10.0.0.0/8`, or an IPv6 one as 32 hexadecimal digits and a length. */
export function network(text: string): NonNullable<AccessEndpoint["network"]> {
  const [address = "", bits = ""] = text.split("/");
  const bytes = address.includes(".")
    ? Buffer.from(address.split(".").map(Number))
    : Buffer.from(address, "hex");
  const mask = bytes.map((_, index) => {
    const ones = Math.min(8, Math.max(0, Number(bits) - index * 8));
    return (0xff00 >> ones) & 0xff;
  });
  return { address: bytes, mask };
}
