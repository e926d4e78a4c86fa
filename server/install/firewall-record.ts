import { installationOf } from "../state-paths.ts";
import { whileLocked } from "./install-lock.ts";
import { layoutOf } from "./layout.ts";
import { readManifest, writeManifest } from "./manifest.ts";

/**
 * Changes the firewall by `work`. Where `executable` belongs to an installation, the ports that its removal has to close
 * are recorded: those to be opened before the work, those that were closed after it.
 */
export async function recordFirewallPorts<T>(
  executable: string | undefined,
  change: (ports: readonly number[]) => number[],
  work: () => Promise<T>,
): Promise<T> {
  const prefix = executable === undefined ? undefined : installationOf(executable)?.prefix;
  const layout = prefix === undefined ? undefined : layoutOf(prefix);
  if (layout === undefined || (await readManifest(layout)) === undefined) return work();
  return whileLocked(layout, async () => {
    const manifest = await readManifest(layout);
    const known = manifest?.firewall.ports ?? [];
    const record = async (ports: number[]) => {
      if (manifest === undefined || ports.join() === known.join()) return;
      await writeManifest(layout, { ...manifest, firewall: { ...manifest.firewall, ports } });
    };
    const after = change(known);
    await record([...new Set([...known, ...after])]);
    const result = await work();
    await record(after);
    return result;
  });
}
