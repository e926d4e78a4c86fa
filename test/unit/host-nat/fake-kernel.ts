import type { KernelNetworks } from "../../../server/platform/ipv4-forwarding.ts";
import type { RunProgram } from "../../../server/platform/run-program.ts";

/** A base chain for what is forwarded. */
export interface FakeChain {
  readonly table: string;
  readonly name: string;
  readonly policy: "accept" | "drop";
}

/** A host with a kernel that forwards or does not, and with `nft` or without. */
export class FakeKernel implements KernelNetworks {
  forwarding = false;
  names = ["lo", "eth0", "eth1"];
  boot = "first";
  tracked: number | undefined = 262_144;
  followed: number | undefined = 0;
  /** Why it cannot be told to forward. */
  problem: Error | undefined;
  nft: "there" | "missing" | "refuses" = "there";
  chains: FakeChain[] = [];
  /** Our table, as it was given to nft; undefined for none. */
  table: string | undefined;
  /** Packets that its counters have counted, by their names. */
  counters: Readonly<Record<string, number>> = {};
  /** Commands that changed some of the table. */
  readonly changes: string[] = [];
  legacy: string[] = [];
  routesText = "";
  #tableName = "";

  readonly run: RunProgram = (program, args) => {
    const done = (code: number, stdout = "", stderr = "") => Promise.resolve({ code, stdout, stderr });
    if (program !== "nft" || this.nft === "missing") return Promise.resolve(undefined);
    const [command = ""] = args;
    if (command === "-j" && args.includes("counters")) {
      const counters = Object.entries(this.counters);
      const nftables = counters.map(([name, packets]) => ({ counter: { name, packets } }));
      return done(0, JSON.stringify({ nftables: [{ metainfo: {} }, ...nftables] }));
    }
    if (command === "-j") return done(0, JSON.stringify({ nftables: this.#listed() }));
    if (this.nft === "refuses") return done(1, "", "Error: Could not process rule: No such file\nmore");
    if (!command.includes("delete table")) {
      // What is changed has to be there.
      if (this.table === undefined) return done(1, "", "Error: No such file or directory");
      this.changes.push(command);
      return done(0);
    }
    const [, name = "", table] =
      /^table ip (\w+) \{\}\ndelete table ip \1\n(table ip \1 \{\n.*)?$/s.exec(command) ?? [];
    this.#tableName = name;
    this.table = table;
    return done(0);
  };

  #listed() {
    const own = { table: this.#tableName, name: "forward", policy: "accept" } as const;
    return [...this.chains, ...(this.table === undefined ? [] : [own])].map(({ table, name, policy }) => ({
      chain: { family: "ip", table, name, hook: "forward", type: "filter", policy },
    }));
  }

  routes() {
    return Promise.resolve(this.routesText);
  }

  interfaces() {
    return Promise.resolve(this.names);
  }

  forwards() {
    return Promise.resolve(this.forwarding);
  }

  setForwarding(on: boolean) {
    if (this.problem !== undefined) return Promise.reject(this.problem);
    this.forwarding = on;
    return Promise.resolve();
  }

  mostConnections() {
    return Promise.resolve(this.tracked);
  }

  followedConnections() {
    return Promise.resolve(this.followed);
  }

  connectionTimeouts() {
    return Promise.resolve(new Map<string, number>());
  }

  legacyTables() {
    return Promise.resolve(this.legacy);
  }

  bootId() {
    return Promise.resolve(this.boot);
  }
}
