import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { wordsOf } from "../error-words.ts";
import type { Ipv4Network } from "../ethernet/ipv4-network.ts";
import { readChains } from "../firewall/nft.ts";
import type { Chain } from "../firewall/ruleset.ts";
import { kernelNatLimits } from "../limits.ts";
import { natDevicePrefix } from "../packet-device/tap.ts";
import type { KernelNetworks } from "../platform/ipv4-forwarding.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import {
  readForwardingRecord,
  removeForwardingRecord,
  writeForwardingRecord,
  type ForwardingRecord,
} from "./forwarding-record.ts";
import {
  changeHubs,
  dropTable,
  natTable,
  parseRefused,
  setApart,
  type NatRules,
  type NatTableOptions,
} from "./nat-table.ts";

export interface ForwardingOptions {
  readonly run: RunProgram;
  readonly kernel: KernelNetworks;
  /** Where it is kept what the host was like before. */
  readonly recordFile: string;
}

export interface SetOptions {
  /** Whether somebody may have undone some of what was set. */
  readonly anew?: boolean;
  /** Called before a table that is there is made anew, which counts from 0 then. */
  readonly beforeAnew?: () => Promise<void>;
}

const noNft = "the host has no program nft (Debian's package nftables)";

/** Interfaces with other names are not told to nft. */
const plainName = /^[\w.@-]{1,15}$/;

/** What the host's kernel is set to while it forwards and translates for our interfaces: a table of nftables, and `ip_forward`. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #table: string;
  /** The table as it was left; undefined where there is none, or it is not known. */
  #made: NatTableOptions | undefined;
  /** Interfaces that came later and were there at the last look. */
  #newcomers: ReadonlySet<string> = new Set();
  /** Those that somebody else's rules may be about. */
  readonly #ofOthers = new Set<string>();

  constructor(options: ForwardingOptions) {
    this.#options = options;
    // A host may have several servers, each with its own state.
    const own = createHash("sha256").update(options.recordFile).digest("hex").slice(0, 8);
    this.#table = `vpnserver_nat_${own}`;
  }

  /**
   * Sets the kernel up for these hubs. Where the table is as it was left here, only what differs is changed, and what the kernel has counted
   * goes on; else all of it is made anew.
   *
   * @throws Error why that cannot be
   */
  async set(hubs: readonly NatRules[], { anew = false, beforeAnew }: SetOptions = {}): Promise<void> {
    const table = await this.#tableFor(hubs);
    const former = this.#made;
    this.#made = undefined;
    if (former === undefined || anew || !(await this.#change(former, table))) {
      if (former !== undefined) await beforeAnew?.();
      await this.#nft(natTable(table));
    }
    this.#made = table;
    await this.#switchOn();
  }

  async #tableFor(hubs: readonly NatRules[]): Promise<NatTableOptions> {
    const { kernel } = this.#options;
    const { forwarded, interfaces } = await this.#recordOnce();
    const tracked = await kernel.mostConnections();
    const connections = Math.min(
      kernelNatLimits.connections,
      Math.floor((tracked ?? Infinity) * kernelNatLimits.shareOfTable),
    );
    return {
      name: this.#table,
      hubs,
      connections,
      perClient: Math.min(kernelNatLimits.perClient, Math.ceil(connections / 2)),
      // What was not forwarded before is not forwarded now.
      apart: forwarded ? undefined : interfaces.filter((name) => plainName.test(name)),
    };
  }

  /** @returns false where the table is not as it was left, or has to be another one */
  async #change(former: NatTableOptions, table: NatTableOptions): Promise<boolean> {
    const { hubs: before, apart: apartBefore, ...common } = former;
    const { hubs: after, apart, ...wanted } = table;
    const mayGrow = apartBefore?.every((name) => apart?.includes(name)) ?? apart === undefined;
    if (!isDeepStrictEqual(common, wanted) || !mayGrow) return false;
    const newcomers = apart?.filter((name) => apartBefore?.includes(name) === false) ?? [];
    const isIn = (hubs: readonly NatRules[]) => (hub: NatRules) =>
      hubs.some((other) => isDeepStrictEqual(other, hub));
    const gone = before.filter((hub) => !isIn(after)(hub));
    const come = after.filter((hub) => !isIn(before)(hub));
    // Those that another network or bound took the place of would be deleted and made under one name.
    if (gone.some(({ network }) => come.some((hub) => hub.network.network === network.network))) return false;
    const commands = setApart(this.#table, newcomers) + changeHubs(table, gone, come);
    if (commands === "") return true;
    const result = await this.#options.run("nft", [commands]);
    return result?.code === 0;
  }

  /**
   * Sets interfaces apart that have come since, such as a network card: on a host that did not forward nothing passes between them and the
   * others. An interface is left alone where others have begun to forward, since it may be theirs: who brings one to forward for, as Docker
   * does, brings rules too.
   *
   * @throws Error why that cannot be
   */
  async setNewcomersApart(hubs: readonly NatRules[]): Promise<void> {
    const apart = this.#made?.apart;
    if (apart === undefined) return;
    const late = (await this.#interfaces()).filter(
      (name) => plainName.test(name) && !apart.includes(name) && !this.#ofOthers.has(name),
    );
    // Rules may come a moment after the interface.
    const settled = late.filter((name) => this.#newcomers.has(name));
    this.#newcomers = new Set(late);
    if (settled.length === 0) return;
    const { kernel, recordFile } = this.#options;
    const record = await this.#recordOnce();
    const others = (await this.#chainsOfOthers()).filter((name) => !record.chains.includes(name));
    if (others.length > 0 || (await kernel.legacyTables()).length > 0) {
      for (const name of settled) this.#ofOthers.add(name);
      return;
    }
    const interfaces = [...record.interfaces, ...settled].slice(-kernelNatLimits.apart);
    await writeForwardingRecord(recordFile, { ...record, interfaces });
    await this.set(hubs);
  }

  async #switchOn(): Promise<void> {
    const { kernel } = this.#options;
    if (await kernel.forwards()) return;
    try {
      await kernel.setForwarding(true);
    } catch (error) {
      throw new Error(`the host's forwarding (ip_forward) cannot be switched on: ${wordsOf(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Takes all of it back, as far as it is there.
   *
   * @returns what stays as it is, and why
   * @throws Error why that cannot be
   */
  async putBack(): Promise<string | undefined> {
    const { kernel, recordFile } = this.#options;
    this.#made = undefined;
    const record = await readForwardingRecord(recordFile);
    if (record === undefined) return undefined;
    const holds = await this.#holds(record);
    if (holds) await this.#nft(dropTable(this.#table));
    let left: string | undefined;
    if (holds && !record.forwarded && (await kernel.forwards())) {
      const others = (await this.#chainsOfOthers()).filter((name) => !record.chains.includes(name));
      if (others.length === 0) await kernel.setForwarding(false);
      else
        left = `the host goes on forwarding (ip_forward), since another program has begun to: ${others.join(", ")}`;
    }
    await removeForwardingRecord(recordFile);
    return left;
  }

  /** Packets that were turned away since the kernel was set up, by the first address of the network that they came from. */
  async refused(networks: readonly Ipv4Network[]): Promise<Map<number, number>> {
    const result = await this.#options.run("nft", ["-j", "list", "counters", "table", "ip", this.#table]);
    return parseRefused(result?.code === 0 ? result.stdout : "", networks);
  }

  /** Who drops what is forwarded, as far as that can be told. */
  async suspects(): Promise<string> {
    const reading = await readChains(this.#options.run);
    const chains = reading.kind === "read" ? reading.ruleset.chains : [];
    const names = chains.filter((chain) => this.#isOfOthers(chain) && chain.policy === "drop").map(nameOf);
    return names.length === 0 ? "" : ` (${names.join(", ")} drops by default)`;
  }

  async #recordOnce(): Promise<ForwardingRecord> {
    const { kernel, recordFile } = this.#options;
    const former = await readForwardingRecord(recordFile);
    if (former !== undefined && (await this.#holds(former))) return former;
    const record = {
      bootId: await kernel.bootId(),
      forwarded: await kernel.forwards(),
      chains: await this.#chainsOfOthers(),
      interfaces: await this.#interfaces(),
    };
    await writeForwardingRecord(recordFile, record);
    return record;
  }

  /** Names of those that are not ours. */
  async #interfaces(): Promise<string[]> {
    const names = await this.#options.kernel.interfaces();
    return names.filter((name) => name !== "lo" && !name.startsWith(natDevicePrefix));
  }

  /**
   * Whether it is about this boot of the host. Within a container the service may be told another id of the boot than `uninstall` is; but a
   * boot leaves no table.
   */
  async #holds({ bootId }: ForwardingRecord): Promise<boolean> {
    if (bootId === (await this.#options.kernel.bootId())) return true;
    const chains = await this.#chains().catch(() => []);
    return chains.some(({ table }) => table === this.#table);
  }

  async #chainsOfOthers(): Promise<string[]> {
    return (await this.#chains()).filter((chain) => this.#isOfOthers(chain)).map(nameOf);
  }

  async #chains(): Promise<readonly Chain[]> {
    const reading = await readChains(this.#options.run);
    if (reading.kind === "read") return reading.ruleset.chains;
    throw new Error(
      reading.kind === "no nft" ? noNft : `the firewall's rules cannot be read: ${reading.reason}`,
    );
  }

  /** Whether it is somebody else's base chain for what is forwarded. */
  #isOfOthers({ table, hook, type }: Chain): boolean {
    return table !== this.#table && (hook === "forward" || (hook === "postrouting" && type === "nat"));
  }

  async #nft(commands: string): Promise<void> {
    const result = await this.#options.run("nft", [commands]);
    if (result === undefined) throw new Error(noNft);
    if (result.code !== 0) throw new Error(`nft refuses our rules: ${failureOf(result).split("\n")[0]}`);
  }
}

function nameOf({ family, table, chain }: Chain): string {
  return `chain ${chain} of table ${family} ${table}`;
}
