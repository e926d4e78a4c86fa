import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { leaseByDhclient, type DhcpLease } from "../../interop/support/dhclient.ts";
import { VpnClient } from "../../interop/support/vpn-client.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Namespace } from "../../lab/namespace.ts";

/** An unmodified `vpnclient` in a namespace of its own that knows what was imported, and nothing else. */
export class ImportedClient {
  readonly client: VpnClient;
  readonly #lab: Lab;

  private constructor(client: VpnClient, lab: Lab) {
    this.client = client;
    this.#lab = lab;
  }

  /** @param address of its network card in the VPN, such as `10.9.0.1/24`; without it none, until {@link lease} */
  static async start(lab: Lab, name: string, address?: string): Promise<ImportedClient> {
    const client = await VpnClient.start(await lab.station(name));
    if (address !== undefined) await client.setAddress(address);
    return new ImportedClient(client, lab);
  }

  /** The same in a station that was made already. */
  static async startIn(lab: Lab, station: Namespace): Promise<ImportedClient> {
    return new ImportedClient(await VpnClient.start(station), lab);
  }

  get station(): Namespace {
    return this.client.station;
  }

  async import(text: string): Promise<void> {
    const file = join(await mkdtemp(join(this.#lab.directory, "vpn-")), "account.vpn");
    await writeFile(file, text, { mode: 0o600 });
    // It takes a word that begins with "/" for an option; it runs in the root folder.
    const output = await this.client.command("AccountImport", `.${file}`);
    assert.match(output, /has been imported/);
  }

  async connect(account: string): Promise<void> {
    await this.client.connectAccount(account);
  }

  /** Gets its address by DHCP. */
  lease(): Promise<DhcpLease> {
    return leaseByDhclient(this.station, this.client.card, this.#lab.directory);
  }

  async disconnect(account: string): Promise<void> {
    await this.client.command("AccountDisconnect", account);
  }
}

/**
 * Sends 16 MB by TCP from one client to the other's address. Resolves to the bytes that were received; what the sender still
 * had in its buffers when it was done is not among them.
 */
export async function iperf3(from: ImportedClient, to: ImportedClient, address: string): Promise<number> {
  const server = to.station.spawn("iperf3", ["-s", "-1"], { stdio: "ignore" });
  const ended = once(server, "exit");
  await to.client.until("iperf3 to listen", async () => {
    const { stdout } = await to.station.run("ss", ["-Hltn", "sport = :5201"]);
    return stdout.trim() !== "";
  });
  const { stdout } = await from.station.run("iperf3", ["-c", address, "-n", "16M", "-J"]);
  await ended;
  return (JSON.parse(stdout) as { end: { sum_received: { bytes: number } } }).end.sum_received.bytes;
}
