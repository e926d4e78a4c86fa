import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { quoteForShell } from "../../tools/setup/shell-word.ts";
import { bootSystems, type BootSystem } from "./boot-system.ts";
import type { CommandOptions, CommandResult } from "./command.ts";
import { firewallSetup, type Firewall } from "./firewall.ts";
import { ensureImage } from "./image.ts";
import { labDirectory } from "./left-overs.ts";
import { Machine } from "./machine.ts";
import type { Namespace } from "./namespace.ts";
import type { Network } from "./network.ts";
import { connectionFailed, SshClient } from "./ssh-client.ts";
import { generateKeyPair, type KeyPair } from "./ssh-keys.ts";

export interface HostUser {
  readonly name: string;
  /** Whether the user may become root without a password, or not at all. */
  readonly sudo: "passwordless" | "none";
}

export interface HostOptions {
  /** @default "systemd" */
  readonly bootSystem?: BootSystem;
  /**
   * What lets nothing but SSH and ICMP in.
   * @default no firewall
   */
  readonly firewall?: Firewall;
  /** Users besides root. */
  readonly users?: readonly HostUser[];
}

/** How to log in to a host. Root and every user of the options accept the key. */
export interface HostSsh {
  /** Its address. */
  readonly host: string;
  readonly port: number;
  /** What the host proves itself with, in the form of authorized_keys. */
  readonly hostKey: string;
  /** OpenSSH's PEM text. */
  readonly privateKey: string;
  readonly privateKeyPath: string;
}

const upDeadlineMs = 60_000;
const pollMs = 50;

/** What the hosts of a lab have in common. */
export interface HostSurroundings {
  readonly lab: string;
  readonly network: Network;
  readonly operator: Namespace;
  readonly key: KeyPair;
}

/** A Debian 12 host with an OpenSSH server. */
export class Host {
  readonly name: string;
  readonly address: string;
  readonly address6: string;
  readonly ssh: HostSsh;
  readonly #machine: Machine;
  readonly #client: SshClient;
  readonly #network: Network;
  readonly #namespace: Namespace;
  readonly #users: readonly string[];
  readonly #bootSystem: BootSystem;

  private constructor(
    name: string,
    ssh: HostSsh,
    parts: {
      machine: Machine;
      client: SshClient;
      network: Network;
      namespace: Namespace;
      users: readonly string[];
      bootSystem: BootSystem;
    },
  ) {
    this.name = name;
    this.address = parts.namespace.address;
    this.address6 = parts.namespace.address6;
    this.ssh = ssh;
    this.#machine = parts.machine;
    this.#client = parts.client;
    this.#network = parts.network;
    this.#namespace = parts.namespace;
    this.#users = parts.users;
    this.#bootSystem = parts.bootSystem;
  }

  /** Another network interface of the host, which is down, with its other end in a station. */
  async cable(name: string, to: Namespace, toName: string): Promise<void> {
    const peer = ["peer", "name", name, "netns", this.#namespace.name];
    await to.run("ip", ["link", "add", toName, "type", "veth", ...peer]);
    await to.run("ip", ["link", "set", toName, "up"]);
  }

  /** Makes a host and resolves when it is up. The lab takes it away. */
  static async create(
    name: string,
    namespace: Namespace,
    { bootSystem = "systemd", firewall, users = [] }: HostOptions,
    { lab, network, operator, key }: HostSurroundings,
  ): Promise<Host> {
    const image = await ensureImage((line) => console.error(`lab: ${line}`), { bootSystem });
    const directory = join(labDirectory(lab), name);
    const files = join(directory, "files");
    await mkdir(join(files, "etc/ssh"), { recursive: true });
    const hostKey = await generateKeyPair(join(files, "etc/ssh/ssh_host_ed25519_key"));
    const setup = firewall && firewallSetup(firewall, bootSystem);
    for (const [path, text] of Object.entries({ ...identity(name), ...setup?.files })) {
      await mkdir(dirname(join(files, path)), { recursive: true });
      await writeFile(join(files, path), text);
    }
    const prepare = [
      letIn("root", key),
      ...users.map((user) => addUser(user, key)),
      setup?.prepare ?? "",
    ].join("\n");
    const machine = await Machine.create({ lab, name, image, namespace, files, prepare });
    const client = await SshClient.create({
      from: operator,
      address: namespace.address,
      hostKey: hostKey.publicKey,
      privateKeyPath: key.privateKeyPath,
      directory,
    });
    const ssh = {
      host: namespace.address,
      port: 22,
      hostKey: hostKey.publicKey,
      privateKey: key.privateKey,
      privateKeyPath: key.privateKeyPath,
    };
    const userNames = ["root", ...users.map((user) => user.name)];
    const host = new Host(name, ssh, { machine, client, network, namespace, users: userNames, bootSystem });
    machine.switchOn();
    await host.#isUp();
    if (setup) await host.console(setup.enable);
    return host;
  }

  /**
   * Runs a shell command over SSH.
   *
   * @throws Error with the command's last words when it fails, unless `check` is false, and when SSH does not get through
   */
  async run(
    command: string,
    options: CommandOptions & { readonly user?: string } = {},
  ): Promise<CommandResult> {
    const { user = "root", check = true, ...rest } = options;
    const result = await this.#client.run(command, { user, check: false, ...rest });
    if (result.code === connectionFailed || (check && result.code !== 0)) {
      throw new Error(
        `${user}@${this.name}: ${command}: exit code ${result.code}\n${result.stdout}\n${result.stderr}`.trimEnd(),
      );
    }
    return result;
  }

  /** Runs a shell command as root on the console, which works without SSH and leaves no log-in. */
  console(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    return this.#machine.console(command, options);
  }

  /** Puts a file of this machine onto the host over SSH. */
  async upload(
    file: string,
    path: string,
    { mode = 0o644, user = "root" }: { mode?: number; user?: string } = {},
  ): Promise<void> {
    const [target, partial] = [quoteForShell(path), quoteForShell(`${path}.part`)];
    const command = `cat > ${partial} && chmod ${mode.toString(8)} ${partial} && mv ${partial} ${target}`;
    await this.run(command, { user, input: { file } });
  }

  /** Puts an executable of this machine into the user's home directory and runs it there. */
  async runExecutable(
    file: string,
    args: readonly string[] = [],
    options: CommandOptions & { readonly user?: string } = {},
  ): Promise<CommandResult> {
    const { user = "root" } = options;
    const name = basename(file);
    await this.upload(file, name, { mode: 0o755, user });
    return await this.run([`./${name}`, ...args].map(quoteForShell).join(" "), options);
  }

  /** Restarts it in an orderly way, and resolves when it is up again. Files stay; processes, rules and connections do not. */
  async reboot(): Promise<void> {
    await this.#goDown("reboot");
    await this.#network.renew(this.name, this.#namespace);
    this.#machine.switchOn();
    await this.#isUp();
  }

  /** Shuts it down in an orderly way. Nobody answers at its address from then on. */
  async powerOff(): Promise<void> {
    await this.#goDown("poweroff");
    await this.#network.unplug(this.name);
  }

  /** Starts it again after {@link powerOff}, and resolves when it is up. */
  async powerOn(): Promise<void> {
    await this.#network.renew(this.name, this.#namespace);
    this.#machine.switchOn();
    await this.#isUp();
  }

  async #goDown(how: "reboot" | "poweroff"): Promise<void> {
    await this.#client.close(this.#users);
    await this.console(bootSystems[this.#bootSystem].goDown(how));
    const outcome = await this.#machine.wentDown();
    const expected = how === "reboot" ? "reboot" : "off";
    if (outcome !== expected) {
      throw new Error(`the host ${this.name} ended in ${outcome} instead of ${expected}`);
    }
  }

  /** Resolves when SSH answers and everything was started. */
  async #isUp(): Promise<void> {
    const deadline = Date.now() + upDeadlineMs;
    const { isUp } = bootSystems[this.#bootSystem];
    for (;;) {
      const options = { check: false, timeoutMs: Math.max(1, deadline - Date.now()) };
      const { stdout, stderr } = await this.#client.run(isUp, options);
      if (/^up$/m.test(stdout)) return;
      if (Date.now() > deadline) {
        const console = await this.#machine.consoleLog();
        throw new Error(`the host ${this.name} does not come up: ${stdout}${stderr}\n${console}`);
      }
      await delay(pollMs);
    }
  }
}

/** What tells one Debian host from another. */
function identity(name: string): Record<string, string> {
  return {
    "etc/hostname": `${name}\n`,
    "etc/hosts": `127.0.0.1\tlocalhost\n127.0.1.1\t${name}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
  };
}

function letIn(user: string, { publicKey }: KeyPair): string {
  return [
    `home=$(getent passwd ${user} | cut -d: -f6)`,
    `install -d -m 700 -o ${user} -g ${user} "$home/.ssh"`,
    `echo '${publicKey}' > "$home/.ssh/authorized_keys"`,
    `chmod 600 "$home/.ssh/authorized_keys" && chown ${user}: "$home/.ssh/authorized_keys"`,
  ].join("\n");
}

function addUser(user: HostUser, key: KeyPair): string {
  const lines = [`useradd --create-home --shell /bin/bash ${user.name}`, letIn(user.name, key)];
  if (user.sudo === "passwordless") {
    const file = `/etc/sudoers.d/${user.name}`;
    lines.push(`echo '${user.name} ALL=(ALL) NOPASSWD: ALL' > ${file} && chmod 440 ${file}`);
  }
  return lines.join("\n");
}
