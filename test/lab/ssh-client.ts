import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommandOptions, CommandResult } from "./command.ts";
import type { Namespace } from "./namespace.ts";

/** OpenSSH's client says by this code that it could not get through, or lost the connection. */
export const connectionFailed = 255;

const connectTimeoutSeconds = 5;

/** OpenSSH's client, one lasting connection per user: a command costs 10 ms, and leaves no log-in on the host. */
export class SshClient {
  readonly #from: Namespace;
  readonly #address: string;
  readonly #options: readonly string[];

  private constructor(from: Namespace, address: string, options: readonly string[]) {
    this.#from = from;
    this.#address = address;
    this.#options = options;
  }

  /** @param directory where its sockets and its list of known hosts lie */
  static async create(options: {
    from: Namespace;
    address: string;
    hostKey: string;
    privateKeyPath: string;
    directory: string;
  }): Promise<SshClient> {
    const { from, address, hostKey, privateKeyPath, directory } = options;
    const knownHosts = join(directory, "known_hosts");
    await writeFile(knownHosts, `${address} ${hostKey}\n`);
    const settings = {
      BatchMode: "yes",
      ConnectTimeout: connectTimeoutSeconds,
      ControlMaster: "auto",
      ControlPath: join(directory, "%r.sock"),
      ControlPersist: "yes",
      IdentitiesOnly: "yes",
      IdentityFile: privateKeyPath,
      LogLevel: "ERROR",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: knownHosts,
    };
    const flags = Object.entries(settings).map(([key, value]) => `-o${key}=${value}`);
    return new SshClient(from, address, ["-F", "none", ...flags]);
  }

  /** Runs a command in the user's login shell on the host. */
  run(command: string, options: CommandOptions & { readonly user?: string } = {}): Promise<CommandResult> {
    const { user = "root", ...rest } = options;
    return this.#from.run("ssh", [...this.#options, `${user}@${this.#address}`, "--", command], rest);
  }

  /** Ends the lasting connections of these users. */
  async close(users: readonly string[]): Promise<void> {
    for (const user of users) {
      // It fails when there is none.
      const args = [...this.#options, "-O", "exit", `${user}@${this.#address}`];
      await this.#from.run("ssh", args, { check: false });
    }
  }
}
