import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Namespace } from "../../lab/namespace.ts";
import { until } from "../../processes/try-server.ts";

/** What a DHCP server gave, by the names of dhclient-script(8) without `new_`: `ip_address`, `routers`, `domain_name_servers` ... */
export type DhcpLease = Readonly<Record<string, string>>;

/**
 * Asks by the unmodified `dhclient` for an address on a network card, and gives it that address. Routes and name servers are the caller's
 * to use: they are of this machine for whoever is in a namespace.
 *
 * @param directory for its files
 */
export async function leaseByDhclient(
  station: Namespace,
  card: string,
  directory: string,
): Promise<DhcpLease> {
  const folder = await mkdtemp(join(directory, "dhclient-"));
  const [script, log, pidFile] = ["script", "log", "pid"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(
    script,
    `#!/bin/sh\nenv | sed -n "s/^new_//p; /^reason=/p" >>${log}\n` +
      `[ "$reason" != BOUND ] || ip address replace "$new_ip_address/$new_subnet_mask" dev "$interface"\n`,
    { mode: 0o755 },
  );
  await station.run("dhclient", ["-1", "-sf", script, "-lf", join(folder, "leases"), "-pf", pidFile, card]);
  // It writes it after it has gone to the background.
  await until("the process id of dhclient", () => existsSync(pidFile));
  await station.run("kill", [(await readFile(pidFile, "utf8")).trim()]);
  const lines = (await readFile(log, "utf8")).trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split("=", 2))) as DhcpLease;
}
