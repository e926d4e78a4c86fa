import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { createHubSettings, hashHubPassword } from "../../server/config/sections/hub-config.ts";
import { loadOrCreateCertificate } from "../../server/identity/certificate.ts";
import { identityFromPem } from "../../server/identity/identity-pem.ts";
import type { ServerIdentity } from "../../server/settings/server-settings.ts";
import { hubOf, OurServer, userOf } from "../../test/interop/support/our-server.ts";
import { bundledServer, removeShared } from "../../test/processes/try-server.ts";
import { Lab } from "../../test/lab/lab.ts";
import type { Namespace } from "../../test/lab/namespace.ts";
import { arena, type Attack, type Field, type Findings } from "./attack.ts";
import type { Administered, Innocence } from "./innocence.ts";
import { judge, type Bounds, type Verdict } from "./verdict.ts";

export interface ArenaTimes {
  /** That an attack lasts. */
  readonly seconds: number;
  /** From its end to the last look at the memory. */
  readonly restSeconds: number;
  readonly bounds: Bounds;
}

const [attackersAddresses, attackersAddresses6] = [5, 64];
const firstAttackerNumber = 201;
/** Longest time until an attack has prepared itself. */
const prepareMs = 30_000;
const settleMs = 500;
const memoryPollMs = 100;

const support = (name: string) => join(import.meta.dirname, name);

/**
 * The place of the attacks: a server in a station of the lab, and stations of their own for the attacker and for an innocent pair. Each
 * attack meets a new server.
 */
export class Arena {
  readonly #lab: Lab;
  readonly #server: Namespace;
  readonly #attacker: Namespace;
  readonly #innocent: Namespace;
  #runs = 0;
  #identity: ServerIdentity | undefined;

  private constructor(lab: Lab, [server, attacker, innocent]: readonly [Namespace, Namespace, Namespace]) {
    this.#lab = lab;
    this.#server = server;
    this.#attacker = attacker;
    this.#innocent = innocent;
  }

  /** @throws Error that says what this machine lacks: root, or Debian packages */
  static async create(): Promise<Arena> {
    const lab = await Lab.create();
    try {
      const stations = await Promise.all([
        lab.station("server"),
        lab.station("attacker"),
        lab.station("innocent"),
      ]);
      const made = new Arena(lab, stations);
      await made.#addAddresses();
      return made;
    } catch (error) {
      await lab.dispose();
      throw error;
    }
  }

  /** Starts a server with the hubs of {@link arena}, for one attack or for a whole soak. */
  async startServer({
    secureNat = false,
    moreHubs = 0,
  }: Pick<Attack, "secureNat" | "moreHubs"> = {}): Promise<ArenaServer> {
    const directory = await mkdtemp(join(this.#lab.directory, `run-${++this.#runs}-`));
    const users = arena.users.map((user) => userOf(user, arena.userPassword));
    const nat = createHubSettings(arena.hub).secureNat;
    const hubs = [
      hubOf(arena.hub, users, {
        ...hashHubPassword(arena.hubPassword),
        ...(secureNat && { secureNat: { ...nat, enabled: true, nat: { ...nat.nat, byKernel: false } } }),
      }),
      hubOf(arena.otherHub, users),
      ...Array.from({ length: moreHubs }, (_, index) => hubOf(`hub-${index}`, [])),
    ];
    const { hashedPassword } = hashHubPassword(arena.adminPassword);
    // To make a key for each would take longer than all else of a start.
    this.#identity ??= await makeIdentity(directory);
    const { entry } = await bundledServer();
    const settings = { hashedPassword, identity: this.#identity };
    const server = await OurServer.start(this.#server, directory, hubs, entry, settings);
    return new ArenaServer(server, directory, (await server.status()).supervisor.pid);
  }

  /** What the attackers are told of a server. */
  fieldOf(server: ArenaServer, { from = "outside" }: Pick<Attack, "from">, seconds: number): Field {
    const isHost = from === "host";
    return {
      address: isHost ? "127.0.0.1" : this.#server.address,
      address6: isHost ? "::1" : this.#server.address6,
      port: arena.port,
      localAddresses: isHost ? ["127.0.0.1"] : this.#addresses,
      localAddresses6: isHost ? ["::1"] : this.#addresses6,
      stateDirectory: server.stateDirectory,
      seconds,
    };
  }

  /** Runs one attack on a server of its own. */
  async fight(name: string, attack: Attack, { seconds, restSeconds, bounds }: ArenaTimes): Promise<Verdict> {
    const server = await this.startServer(attack);
    // Known and open: for some seconds after thousands of hubs were made, others wait for up to a second.
    if (attack.moreHubs !== undefined) await delay(20_000);
    const witnesses = await this.watch(server);
    const attacker = new Reporter(
      this.attackerStation(attack).spawn(
        process.execPath,
        [support("attacker.ts"), name, JSON.stringify(this.fieldOf(server, attack, seconds))],
        { stdio: ["ignore", "pipe", "inherit"] },
      ),
    );
    try {
      await delay(settleMs);
      const beforeMb = await server.residentMb();
      await attacker.line("began", prepareMs);
      const memory = server.watchMemory();
      const from = Date.now();
      await delay(seconds * 1000);
      const to = Date.now();
      const findings = JSON.parse(await attacker.line("its findings", prepareMs)) as Findings;
      const peakMb = memory.peak();
      await delay(settleMs);
      const seen = await witnesses.end();
      await delay(restSeconds * 1000);
      const restarts = await server.restarts();
      const afterMb = restarts === 0 ? await server.residentMb() : Number.NaN;
      return judge(
        { name, ...seen, from, to, findings, beforeMb, peakMb, afterMb, restarts },
        { ...bounds, ...(attack.memoryMb !== undefined && { memoryMb: attack.memoryMb }) },
      );
    } finally {
      attacker.kill();
      witnesses.kill();
      await server.dispose();
    }
  }

  /** The innocent pair and the administrator at their work. */
  async watch(server: ArenaServer): Promise<Witnesses> {
    const stdio = { stdio: ["pipe", "pipe", "inherit"] as ("pipe" | "inherit")[] };
    const innocents = new Reporter(
      this.#innocent.spawn(process.execPath, [support("innocents.ts"), server.address], stdio),
    );
    const administrator = new Reporter(
      this.#server.spawn(process.execPath, [support("administrator.ts")], stdio),
    );
    const witnesses = new Witnesses(innocents, administrator);
    try {
      await witnesses.ready();
      return witnesses;
    } catch (error) {
      witnesses.kill();
      throw error;
    }
  }

  attackerStation({ from }: Pick<Attack, "from">): Namespace {
    return from === "host" ? this.#server : this.#attacker;
  }

  get #addresses(): readonly string[] {
    return Array.from(
      { length: attackersAddresses },
      (_, index) => `198.51.100.${firstAttackerNumber + index}`,
    );
  }

  get #addresses6(): readonly string[] {
    return Array.from(
      { length: attackersAddresses6 },
      (_, index) => `2001:db8::a:${(index + 1).toString(16)}`,
    );
  }

  async #addAddresses(): Promise<void> {
    const lines = [
      ...this.#addresses.map((address) => `addr add ${address}/24 dev eth0`),
      ...this.#addresses6.map((address) => `addr add ${address}/64 dev eth0 nodad`),
    ];
    await this.#attacker.run("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
  }

  async dispose(): Promise<void> {
    await this.#lab.dispose();
    await removeShared();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** A server under attack, with files of its own. */
export class ArenaServer {
  readonly #server: OurServer;
  readonly #directory: string;
  readonly #supervisorPid: number;

  constructor(server: OurServer, directory: string, supervisorPid: number) {
    this.#server = server;
    this.#directory = directory;
    this.#supervisorPid = supervisorPid;
  }

  get address(): string {
    return this.#server.address;
  }

  get stateDirectory(): string {
    return this.#server.stateDirectory;
  }

  status() {
    return this.#server.status();
  }

  /** By the host's own list of processes, since a server that is attacked may be slow to say. */
  async workerPid(): Promise<number> {
    const pid = this.#supervisorPid;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    return Number(children.split(" ")[0]);
  }

  /** How often the worker had to be started again. */
  async restarts(): Promise<number> {
    return (await this.status()).worker.restarts;
  }

  async residentMb(): Promise<number> {
    return residentMb(await this.workerPid());
  }

  /** What it tells its administrator: `GetServerStatus`. */
  async ask(): Promise<Readonly<Record<string, number>>> {
    const { station } = this.#server;
    const { stdout } = await station.run(process.execPath, [support("ask-status.ts")]);
    return JSON.parse(stdout) as Record<string, number>;
  }

  /** Looks at the resident memory of the worker until asked for the most of it. */
  watchMemory(): { peak: () => number } {
    let peak = 0;
    const look = async () => {
      peak = Math.max(peak, await this.residentMb());
    };
    const timer = setInterval(() => void look().catch(() => undefined), memoryPollMs);
    return {
      peak: () => {
        clearInterval(timer);
        return peak;
      },
    };
  }

  /** Ends it at once: a server that an attack has got hold of may not listen to anybody. */
  async dispose(): Promise<void> {
    for (const pid of [this.#supervisorPid, await this.workerPid()]) {
      try {
        // 0 would be this process and all that it has started.
        if (pid > 0) process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function makeIdentity(directory: string): Promise<ServerIdentity> {
  const [certificateFile, keyFile] = [join(directory, "crt"), join(directory, "key")];
  return identityFromPem(await loadOrCreateCertificate({ certificateFile, keyFile }));
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6;
}

/** Those who see what an attack does to others. */
export class Witnesses {
  readonly #innocents: Reporter;
  readonly #administrator: Reporter;

  constructor(innocents: Reporter, administrator: Reporter) {
    this.#innocents = innocents;
    this.#administrator = administrator;
  }

  async ready(): Promise<void> {
    await Promise.all([
      this.#innocents.line("ready", prepareMs),
      this.#administrator.line("ready", prepareMs),
    ]);
  }

  /** Ends them; what they saw. */
  async end(): Promise<{ innocence: Innocence; administered: Administered }> {
    const all = [this.#innocents, this.#administrator];
    for (const each of all) each.endInput();
    const [innocence = "", administered = ""] = await Promise.all(
      all.map((each) => each.line("its report", prepareMs)),
    );
    return {
      innocence: JSON.parse(innocence) as Innocence,
      administered: JSON.parse(administered) as Administered,
    };
  }

  kill(): void {
    this.#innocents.kill();
    this.#administrator.kill();
  }
}

/** A process that says what it has to in lines. */
export class Reporter {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: string[] = [];

  constructor(child: ChildProcess) {
    if (child.stdout === null) throw new Error("no output to read");
    this.#child = child;
    this.#lines = createInterface(child.stdout);
    this.#lines.on("line", (line) => this.#waiting.push(line));
  }

  /** The next line. */
  async line(what: string, limitMs: number): Promise<string> {
    const signal = AbortSignal.timeout(limitMs);
    while (this.#waiting.length === 0) {
      if (this.#child.exitCode !== null) throw new Error(`a process ended before it told: ${what}`);
      const ended = once(this.#child, "exit", { signal }).then(() => delay(100));
      const spoke = once(this.#lines, "line", { signal });
      await Promise.race([spoke, ended]).catch(() => {
        throw new Error(`not told within ${limitMs / 1000} s: ${what}`);
      });
      ended.catch(() => undefined);
      spoke.catch(() => undefined);
    }
    return this.#waiting.shift() ?? "";
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
