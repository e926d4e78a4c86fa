import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigStore } from "../../../server/config/config-store.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import { parseApplyResult, type ApplyResult } from "../../../server/contract/apply-result.ts";
import type { HubSettings, UserSettings } from "../../../server/settings/hub-settings.ts";
import { defaultPolicy, type Policy } from "../../../server/settings/policy.ts";
import type { ServerSettings } from "../../../server/settings/server-settings.ts";
import { hashPassword } from "../../../server/wire/sha0.ts";
import type { Namespace } from "../../lab/namespace.ts";

const thisProgram = fileURLToPath(new URL("../../../server/main.ts", import.meta.url));

interface OurServerStatus {
  readonly supervisor: { readonly pid: number };
  readonly worker: { readonly pid: number; readonly restarts: number };
  readonly hubs: readonly {
    readonly name: string;
    readonly online: boolean;
    readonly sessions: number;
    readonly secureNat?: { readonly connections: number; readonly ipv6?: string };
  }[];
}

/** Our server, as `vpnserver start` starts it, in a station of the lab. */
export class OurServer {
  readonly station: Namespace;
  readonly stateDirectory: string;
  readonly #program: string;

  private constructor(station: Namespace, stateDirectory: string, program = thisProgram) {
    this.station = station;
    this.stateDirectory = stateDirectory;
    this.#program = program;
  }

  /**
   * @param directory where it keeps its state
   * @param program path of another version's `server/main.ts`
   * @param settings what else is not as in a new server
   */
  static async start(
    station: Namespace,
    directory: string,
    hubs: readonly HubSettings[],
    program?: string,
    settings: Partial<ServerSettings> = {},
  ): Promise<OurServer> {
    const stateDirectory = join(directory, station.name);
    const server = new OurServer(station, stateDirectory, program);
    const store = await ConfigStore.open({ configFile: join(stateDirectory, "vpn_server.config") });
    await mkdir(stateDirectory, { mode: 0o700 });
    await store.update((former) => ({ ...former, ...settings, hubs }));
    await server.begin();
    return server;
  }

  /** @param configuration of another server */
  static async startWith(
    station: Namespace,
    directory: string,
    configuration: Uint8Array,
  ): Promise<OurServer> {
    const server = new OurServer(station, join(directory, station.name));
    await mkdir(server.stateDirectory, { mode: 0o700 });
    await writeFile(join(server.stateDirectory, "vpn_server.config"), configuration);
    await server.begin();
    return server;
  }

  get address(): string {
    return this.station.address;
  }

  async begin(): Promise<void> {
    await this.#run("start");
  }

  async stop(): Promise<void> {
    await this.#run("stop");
  }

  /** Desired state, applied while it runs. */
  async apply(desired: object): Promise<ApplyResult> {
    const { stdout } = await this.station.run(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        this.#program,
        "--state-dir",
        this.stateDirectory,
        "apply",
        "--json",
      ],
      { input: JSON.stringify(desired) },
    );
    return parseApplyResult(JSON.parse(stdout));
  }

  /** As `vpnserver status --json` tells it; the worker carries the traffic. */
  async status(): Promise<OurServerStatus> {
    const { stdout } = await this.#run("status --json");
    return JSON.parse(stdout) as OurServerStatus;
  }

  #run(command: string, check = true) {
    const words = command.split(" ");
    return this.station.run(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", this.#program, "--state-dir", this.stateDirectory, ...words],
      { check },
    );
  }
}

export function hubOf(
  name: string,
  users: readonly UserSettings[],
  more: Partial<HubSettings> = {},
): HubSettings {
  return {
    ...createHubSettings(name),
    users: new Map(users.map((user) => [user.name.toLowerCase(), user])),
    ...more,
  };
}

export function userOf(
  name: string,
  authentication: UserSettings["authentication"] | string,
  policy?: Partial<Policy>,
): UserSettings {
  return {
    name,
    realName: "",
    note: "",
    group: undefined,
    authentication:
      typeof authentication === "string"
        ? {
            type: "password",
            hashedKey: hashPassword(authentication, name),
            ntLmHash: new Uint8Array(16),
          }
        : authentication,
    expiresAt: undefined,
    policy: policy && { ...defaultPolicy, ...policy },
    createdAt: 0,
    updatedAt: 0,
  };
}
