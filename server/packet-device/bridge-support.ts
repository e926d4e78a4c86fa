import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { wordsOf } from "../error-words.ts";
import type { Native } from "../native/native.ts";
import { isTapName } from "../settings/local-bridge-settings.ts";
import { natDevicePrefix, tunControl } from "./tap.ts";

/** Whether hubs can be bridged to interfaces of the host, each with the reason why they cannot. */
export interface BridgeSupport {
  /** To those that are there. */
  readonly interfaces: true | { readonly reason: string };
  /** To TAPs that are made. */
  readonly taps: true | { readonly reason: string };
}

/** Tries it out. */
export function bridgeSupport(native: Native): BridgeSupport {
  if (!native.available) return { interfaces: native, taps: native };
  const { calls } = native;
  const attempt = (open: () => Parameters<typeof calls.close>[0]) => {
    try {
      calls.close(open());
      return true;
    } catch (error) {
      return { reason: wordsOf(error) };
    }
  };
  const interfaces = attempt(() => calls.packetSocket());
  if (interfaces !== true) return { interfaces, taps: interfaces };
  return { interfaces, taps: attempt(() => calls.open(tunControl, "readWrite")) };
}

/** Number of Ethernet among the kinds of interfaces (`linux/if_arp.h`). */
const ethernetKind = "1";

/** Interfaces of the host that can be bridged, by name: those of Ethernet, without the server's own. */
export async function bridgeableInterfaces(folder = "/sys/class/net"): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const kinds = await Promise.all(
    names.map((name) => readFile(join(folder, name, "type"), "utf8").catch(() => "")),
  );
  const isOwn = (name: string) => isTapName(name) || name.startsWith(natDevicePrefix);
  return names.filter((name, index) => kinds[index]?.trim() === ethernetKind && !isOwn(name)).sort();
}
