import { runCommand } from "./command.ts";
import { namespacePath, removeNamespaces } from "./left-overs.ts";
import { Namespace } from "./namespace.ts";

/**
 * One Ethernet segment. Each box is a network namespace; none has a route out, so nothing leaves the lab.
 *
 *     +----------+   +----------+   +-------+   +-------+
 *     | operator |   | outsider |   | alpha |   | bravo |  ...
 *     |   eth0   |   |   eth0   |   | eth0  |   | eth0  |
 *     +----+-----+   +----+-----+   +---+---+   +---+---+
 *          | .2           | .3          | .11       | .12      198.51.100.0/24, 2001:db8::/64
 *     +----+--------------+-------------+-----------+-----+
 *     | switch: bridge, one port per name                 |
 *     +---------------------------------------------------+
 */
export class Network {
  readonly #lab: string;
  readonly #switch: string;

  private constructor(lab: string) {
    this.#lab = lab;
    this.#switch = `${lab}-switch`;
  }

  static async create(lab: string): Promise<Network> {
    const network = new Network(lab);
    await ip([`netns add ${network.#switch}`]);
    await ip(["link add bridge type bridge mcast_snooping 0", "link set bridge up"], network.#switch);
    return network;
  }

  /**
   * Adds a namespace with a link to the switch, plugged in.
   *
   * @param number last part of its addresses
   */
  async add(name: string, number: number): Promise<Namespace> {
    const namespace = new Namespace(`${this.#lab}-${name}`, `198.51.100.${number}`, `2001:db8::${number}`);
    await this.#wire(name, namespace);
    return namespace;
  }

  /**
   * Makes a namespace anew, with the same name and addresses, and nothing else in it: what a reboot does to rules,
   * routes, connections and kernel settings. No process may be left in it.
   */
  async renew(name: string, namespace: Namespace): Promise<void> {
    await ip([`link del ${portOf(name)}`], this.#switch);
    removeNamespaces([namespace.name]);
    await this.#wire(name, namespace);
  }

  /** Plugs the cable out of the switch: nobody answers at this address any more. */
  async unplug(name: string): Promise<void> {
    await ip([`link set ${portOf(name)} down`], this.#switch);
  }

  async #wire(name: string, namespace: Namespace): Promise<void> {
    const port = portOf(name);
    const card = `eth0 netns ${namespace.name} address ${hardwareAddressOf(namespace)}`;
    await ip([
      `netns add ${namespace.name}`,
      `link add ${card} type veth peer name ${port} netns ${this.#switch}`,
    ]);
    await ip([`link set ${port} master bridge up`], this.#switch);
    await ip(
      [
        "link set lo up",
        `addr add ${namespace.address}/24 dev eth0`,
        // Duplicate address detection would keep the address from use for a second.
        `addr add ${namespace.address6}/64 dev eth0 nodad`,
        "link set eth0 up",
      ],
      namespace.name,
    );
  }
}

/** Always the same, so that a host that was started again is found by neighbours that remember it. */
function hardwareAddressOf({ address }: Namespace): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return ["02", "00", ...bytes].join(":");
}

/** The name of an interface ends after 15 bytes. */
function portOf(name: string): string {
  return `p-${name}`;
}

/** Longest name of a host, by the port that bears it. */
export const maxNameLength = 13;

async function ip(lines: readonly string[], namespace?: string): Promise<void> {
  const where = namespace === undefined ? [] : ["-n", namespace];
  await runCommand("ip", [...where, "-batch", "-"], { input: lines.join("\n") + "\n" });
}

/** Where a namespace of the lab is found, for programs that take a path. */
export function pathOf(namespace: Namespace): string {
  return namespacePath(namespace.name);
}
