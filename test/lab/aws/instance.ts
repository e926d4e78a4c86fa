import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CommandOptions, CommandResult } from "../command.ts";
import { runCommand } from "../command.ts";
import { labDirectory, removeNamespaces } from "../left-overs.ts";
import { Machine } from "../machine.ts";
import { Namespace } from "../namespace.ts";
import type { BlockVolume } from "./volume.ts";

/** What AWS says of an instance, as far as its host is made of it. */
export interface InstanceSettings {
  readonly id: string;
  readonly privateAddress: string;
  readonly hardwareAddress: string;
  /** Such as `172.31.0.0/20`. */
  readonly subnet: string;
  /** Whom {@link publicKey} lets in. */
  readonly user: string;
  readonly publicKey?: string;
  readonly userData: Buffer;
  /** Addresses by name, beside its own. */
  readonly names: Readonly<Record<string, string>>;
  /** Certificate of an authority that the host trusts, PEM. */
  readonly authorityPem: string;
}

/** Where its host is. */
export interface InstancePlace {
  readonly lab: string;
  readonly image: string;
  readonly router: Namespace;
}

const bootDeadlineMs = 60_000;

/**
 * The host of an instance: a machine with cloud-init, which finds user data and metadata on its disk, and whose only way to anybody is
 * its router.
 */
export class InstanceHost {
  readonly settings: InstanceSettings;
  /** Name of the router's interface that leads to it. */
  readonly interface: string;
  readonly #place: InstancePlace;
  readonly #machine: Machine;
  readonly #namespace: Namespace;
  #isOn = false;
  #isLost = false;

  private constructor(
    settings: InstanceSettings,
    place: InstancePlace,
    machine: Machine,
    namespace: Namespace,
  ) {
    this.settings = settings;
    this.interface = shortName(settings);
    this.#place = place;
    this.#machine = machine;
    this.#namespace = namespace;
  }

  /** Makes the host, switched off. */
  static async create(settings: InstanceSettings, place: InstancePlace): Promise<InstanceHost> {
    const name = shortName(settings);
    const files = join(labDirectory(place.lab), name);
    for (const [path, content] of Object.entries(filesOf(settings))) {
      await mkdir(dirname(join(files, path)), { recursive: true });
      await writeFile(join(files, path), content);
    }
    const namespace = new Namespace(`${place.lab}-${name}`, settings.privateAddress, "");
    const parts = {
      lab: place.lab,
      name,
      image: place.image,
      namespace,
      files,
      prepare: "update-ca-certificates >/dev/null",
    };
    return new InstanceHost(settings, place, await Machine.create(parts), namespace);
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Whether it was destroyed: it does not come back, whatever AWS says. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Plugs it into its router and switches it on. It boots for a while. */
  async switchOn(): Promise<void> {
    await wire(this.settings, this.interface, this.#namespace, this.#place.router);
    this.#machine.switchOn();
    this.#isOn = true;
  }

  /** Shuts it down in an orderly way; its disk stays. */
  async powerOff(): Promise<void> {
    await this.#withFirstProcess("systemctl --no-block poweroff");
    await this.#machine.wentDown();
    this.#unplug();
  }

  /** Takes it away with its disk, at once. */
  async destroy(): Promise<void> {
    this.#isLost = true;
    await this.#machine.destroy();
    this.#unplug();
  }

  /** Runs a shell command as root, without any help of the network. */
  console(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    return this.#machine.console(command, options);
  }

  consoleLog(): Promise<string> {
    return this.#machine.consoleLog();
  }

  /** Shows it a volume by the names that a host of AWS has for one. There is no udev in here that would make them. */
  async attach(volumeId: string, device: string, volume: BlockVolume): Promise<void> {
    const { major, minor } = volume.numbers;
    const link = `/dev/disk/by-id/${linkOf(volumeId)}`;
    await this.#withFirstProcess(
      `rm -f ${device} && mknod ${device} b ${major} ${minor} && mkdir -p /dev/disk/by-id && ln -sf ${device} ${link}`,
    );
  }

  async detach(volumeId: string, device: string): Promise<void> {
    if (this.#isOn) await this.console(`rm -f ${device} /dev/disk/by-id/${linkOf(volumeId)}`);
  }

  /** Runs a command as soon as there is somebody to run it: from a second after it was switched on. */
  async #withFirstProcess(command: string): Promise<void> {
    const deadline = Date.now() + bootDeadlineMs;
    for (;;) {
      try {
        await this.console(`test -S /run/systemd/private && ${command}`);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(100);
      }
    }
  }

  #unplug(): void {
    removeNamespaces([this.#namespace.name]);
    this.#isOn = false;
  }
}

/** As the names of network interfaces end after 15 bytes. */
function shortName({ id }: InstanceSettings): string {
  return id.slice(0, 13);
}

function linkOf(volumeId: string): string {
  return `nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
}

/** The router's address in a subnet: its first, as with AWS. */
export function gatewayOf(subnet: string): string {
  const [network = ""] = subnet.split("/");
  return network.replace(/\d+$/, (last) => String(Number(last) + 1));
}

/** A cable between host and router. The router stands for every neighbour, so that all traffic passes its rules. */
async function wire(
  { privateAddress, hardwareAddress, subnet }: InstanceSettings,
  port: string,
  namespace: Namespace,
  router: Namespace,
): Promise<void> {
  const [, length = ""] = subnet.split("/");
  const gateway = gatewayOf(subnet);
  await runCommand("ip", ["netns", "add", namespace.name]);
  const card = ["eth0", "netns", namespace.name, "address", hardwareAddress];
  await router.run("ip", ["link", "add", port, "type", "veth", "peer", "name", ...card]);
  await router.run("ip", ["link", "set", port, "up"]);
  await router.run("ip", ["address", "add", `${gateway}/32`, "dev", port]);
  await router.run("ip", ["route", "add", `${privateAddress}/32`, "dev", port]);
  await router.run("sysctl", ["-qw", `net.ipv4.conf.${port}.proxy_arp=1`]);
  const lines = [
    "link set lo up",
    `addr add ${privateAddress}/${length} dev eth0`,
    "link set eth0 up",
    `route add default via ${gateway}`,
  ];
  await runCommand("ip", ["-n", namespace.name, "-batch", "-"], { input: lines.join("\n") + "\n" });
}

function filesOf({
  id,
  privateAddress,
  user,
  publicKey,
  userData,
  names,
  authorityPem,
}: InstanceSettings): Record<string, string | Buffer> {
  const hostname = `ip-${privateAddress.replaceAll(".", "-")}`;
  const defaultUser = {
    name: user,
    gecos: user,
    shell: "/bin/bash",
    lock_passwd: true,
    sudo: ["ALL=(ALL) NOPASSWD:ALL"],
  };
  const settings = {
    datasource_list: ["NoCloud"],
    // The host has its address from its network namespace.
    network: { config: "disabled" },
    apt: { preserve_sources_list: true },
    // The image is minimal: there are no locales to choose from.
    locale: false,
    system_info: { default_user: defaultUser },
  };
  const metadata = {
    "instance-id": id,
    "local-hostname": hostname,
    ...(publicKey !== undefined && { "public-keys": [publicKey] }),
  };
  const seed = "var/lib/cloud/seed/nocloud";
  return {
    "etc/hostname": `${hostname}\n`,
    "etc/hosts": [
      "127.0.0.1\tlocalhost",
      `127.0.1.1\t${hostname}`,
      ...Object.entries(names).map(([name, address]) => `${address}\t${name}`),
      "",
    ].join("\n"),
    "usr/local/share/ca-certificates/aws-of-the-lab.crt": authorityPem,
    // JSON is YAML.
    "etc/cloud/cloud.cfg.d/99-lab.cfg": JSON.stringify(settings),
    [`${seed}/meta-data`]: JSON.stringify(metadata),
    [`${seed}/user-data`]: userData,
  };
}
