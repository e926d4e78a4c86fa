import { ObjectCheck, type Member, type Problems } from "./value-check.ts";

/** A bridge of a hub to a network interface of the host, as it is to be. */
export interface DesiredBridge {
  /** Of an interface that is there, or of a TAP without its prefix. */
  readonly device: string;
  /** Whether the server makes the interface, as a TAP. */
  readonly tap: boolean;
}

/** @returns undefined for one that cannot be */
export function checkBridge(member: Member, problems: Problems): DesiredBridge | undefined {
  const bridge = new ObjectCheck(member, ["device", "tap"], problems);
  if (!bridge.has("device")) bridge.report("device", "is missing: the name of an interface, such as br0");
  const device = bridge.parsed(
    "device",
    15,
    (text) => (/^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(text) ? text : undefined),
    'is no name of an interface: 1 to 15 characters without spaces, "/" and ":"',
  );
  const tap = bridge.bool("tap") ?? false;
  return device === undefined ? undefined : { device, tap };
}
