import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Host, type HostOptions, type HostSurroundings } from "./host.ts";
import { ensureImage } from "./image.ts";
import { labDirectory, nextLabName, removeLab, sweepLeftOvers } from "./left-overs.ts";
import type { Namespace } from "./namespace.ts";
import { maxNameLength, Network } from "./network.ts";
import { checkRequirements } from "./requirements.ts";
import { generateKeyPair } from "./ssh-keys.ts";

const [operatorNumber, outsiderNumber, firstHostNumber, lastHostNumber] = [2, 3, 11, 254];

/**
 * A network of its own with test hosts in it, on this machine:
 *
 *     await using lab = await Lab.create();
 *     const host = await lab.host("alpha", { firewall: "ufw", users: [{ name: "alice", sudo: "none" }] });
 *     await host.run("uname -a", { user: "alice" });
 *
 * What a killed process leaves of its labs is swept when the next lab is made.
 */
export class Lab {
  readonly name: string;
  /** A folder that goes with the lab, for what a test keeps beside it. */
  readonly directory: string;
  /** Where deployments run. It reaches every host. */
  readonly operator: Namespace;
  /** Somebody else in the same network. */
  readonly outsider: Namespace;
  readonly #surroundings: HostSurroundings;
  readonly #hosts = new Map<string, Promise<Host>>();
  readonly #stations = new Map<string, Promise<Namespace>>();

  private constructor(outsider: Namespace, surroundings: HostSurroundings) {
    this.name = surroundings.lab;
    this.directory = labDirectory(surroundings.lab);
    this.operator = surroundings.operator;
    this.outsider = outsider;
    this.#surroundings = surroundings;
  }

  /**
   * @throws Error that says what this machine lacks: root, or Debian packages
   */
  static async create(): Promise<Lab> {
    checkRequirements();
    sweepLeftOvers();
    await ensureImage((line) => console.error(`lab: ${line}`));
    const lab = nextLabName();
    removeOnExit(lab);
    try {
      await mkdir(labDirectory(lab), { recursive: true, mode: 0o700 });
      const network = await Network.create(lab);
      const [operator, outsider, key] = await Promise.all([
        network.add("operator", operatorNumber),
        network.add("outsider", outsiderNumber),
        generateKeyPair(join(labDirectory(lab), "key")),
      ]);
      return new Lab(outsider, { lab, network, operator, key });
    } catch (error) {
      remove(lab);
      throw error;
    }
  }

  /**
   * Boots a host, and resolves when it can be logged in to and systemd has started everything.
   *
   * @param name lower-case letters, digits and hyphens; it becomes the host's name
   */
  host(name: string, options: HostOptions = {}): Promise<Host> {
    const number = this.#numberFor(name);
    const host = this.#surroundings.network
      .add(name, number)
      .then((namespace) => Host.create(name, namespace, options, this.#surroundings));
    this.#hosts.set(name, host);
    return host;
  }

  /**
   * Adds a place in the network without a system of its own: programs of this machine run there.
   *
   * @param name as that of a host
   */
  station(name: string): Promise<Namespace> {
    const station = this.#surroundings.network.add(name, this.#numberFor(name));
    this.#stations.set(name, station);
    return station;
  }

  /** The last part of the addresses of another host or station. */
  #numberFor(name: string): number {
    const number = firstHostNumber + this.#hosts.size + this.#stations.size;
    if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name) || name.length > maxNameLength) {
      throw new Error(
        `"${name}" is no name for a host: lower-case letters, digits and hyphens, ${maxNameLength} characters at most`,
      );
    }
    if (
      this.#hosts.has(name) ||
      this.#stations.has(name) ||
      ["operator", "outsider", "switch"].includes(name)
    ) {
      throw new Error(`the lab has a "${name}" already`);
    }
    if (number > lastHostNumber) throw new Error("the lab's network is full");
    return number;
  }

  /** Ends every process in the lab and takes all of it away. */
  async dispose(): Promise<void> {
    // A host that never came up has told whoever asked for it.
    await Promise.allSettled([...this.#hosts.values(), ...this.#stations.values()]);
    remove(this.name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

const labs = new Set<string>();

/** Sees to it that the lab goes with this process, in any way that leaves a process the time. */
function removeOnExit(lab: string): void {
  if (labs.size === 0) {
    process.on("exit", removeAll);
    for (const signal of signals) process.on(signal, endBy);
  }
  labs.add(lab);
}

function remove(lab: string): void {
  removeLab(lab);
  labs.delete(lab);
  if (labs.size === 0) {
    process.off("exit", removeAll);
    for (const signal of signals) process.off(signal, endBy);
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function endBy(signal: NodeJS.Signals): void {
  removeAll();
  // Now that nobody listens to it any more, it ends the process as it would have without a lab.
  process.kill(process.pid, signal);
}

function removeAll(): void {
  for (const lab of labs) remove(lab);
}
