import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Namespace } from "../../lab/namespace.ts";
import { SoftEtherProgram } from "./softether-program.ts";

const administrationPort = 9931;

/** `ERR_ACCOUNT_NOT_FOUND` of the VPN Client. */
const noSuchAccount = 36;

const account = "test";
const deadlineMs = 60_000;

/** How a connection is made; what is not said is as a new account of `vpncmd` has it, except for the quick retries. */
export interface AccountOptions {
  readonly server: string;
  readonly port?: number;
  readonly hub?: string;
  readonly user: string;
  /** A user without one is anonymous, unless a certificate is given. */
  readonly password?: string | undefined;
  /** Files with certificate and key. */
  readonly certificate?: { readonly certificateFile: string; readonly keyFile: string };
  readonly plainPassword?: boolean;
  /** @default 1 */
  readonly connections?: number;
  /** After which the client makes each connection anew; never by default. */
  readonly connectionSeconds?: number;
  readonly halfDuplex?: boolean;
  readonly compress?: boolean;
  readonly encrypt?: boolean;
  /** @default false */
  readonly qos?: boolean;
  /** @default false */
  readonly udpAcceleration?: boolean;
  readonly bridgeMode?: boolean;
  readonly monitorMode?: boolean;
  /** From a lost session to the next login; 5 is the least. @default 5 */
  readonly retrySeconds?: number;
}

/** An unmodified `vpnclient` in a station of its own, with one network card and one account. */
export class VpnClient {
  readonly #program: SoftEtherProgram;
  /** The network card of the VPN. */
  readonly card = "vpn_vpn";

  private constructor(program: SoftEtherProgram) {
    this.#program = program;
  }

  static async start(station: Namespace): Promise<VpnClient> {
    const client = new VpnClient(await SoftEtherProgram.start("vpnclient", station, administrationPort));
    await client.command("NicCreate", "vpn");
    return client;
  }

  get station(): Namespace {
    return this.#program.station;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Runs one command of `vpncmd /CLIENT`. */
  async command(...words: string[]): Promise<string> {
    return (await this.#program.vpncmd(["/CLIENT"], words)).stdout;
  }

  /** Makes the account anew and begins to connect; says nothing of the outcome. */
  async begin(options: AccountOptions): Promise<void> {
    // One that connects again at this moment cannot be deleted.
    await this.until("the former account to be gone", async () => {
      await this.#program.vpncmd(["/CLIENT"], ["AccountDisconnect", account], false);
      const { code } = await this.#program.vpncmd(["/CLIENT"], ["AccountDelete", account], false);
      return code === 0 || code === noSuchAccount;
    });
    const { server, port = 5555, hub = "DEFAULT", user, password, certificate } = options;
    await this.command(
      "AccountCreate",
      account,
      `/SERVER:${server}:${port}`,
      `/HUB:${hub}`,
      `/USERNAME:${user}`,
      "/NICNAME:vpn",
    );
    if (certificate !== undefined) {
      await this.command(
        "AccountCertSet",
        account,
        `/LOADCERT:${certificate.certificateFile}`,
        `/LOADKEY:${certificate.keyFile}`,
      );
    } else if (password !== undefined) {
      const type = options.plainPassword === true ? "radius" : "standard";
      await this.command("AccountPasswordSet", account, `/PASSWORD:${password}`, `/TYPE:${type}`);
    } else await this.command("AccountAnonymousSet", account);
    const yes = (value: boolean | undefined) => (value === true ? "yes" : "no");
    await this.command(
      "AccountDetailSet",
      account,
      `/MAXTCP:${options.connections ?? 1}`,
      "/INTERVAL:1",
      `/TTL:${options.connectionSeconds ?? 0}`,
      `/HALF:${yes(options.halfDuplex)}`,
      `/BRIDGE:${yes(options.bridgeMode)}`,
      `/MONITOR:${yes(options.monitorMode)}`,
      "/NOTRACK:yes",
      `/NOQOS:${yes(options.qos !== true)}`,
      `/DISABLEUDP:${yes(options.udpAcceleration !== true)}`,
    );
    if (options.compress === true) await this.command("AccountCompressEnable", account);
    if (options.encrypt === false) await this.command("AccountEncryptDisable", account);
    await this.command("AccountRetrySet", account, "/NUM:999", `/INTERVAL:${options.retrySeconds ?? 5}`);
    await this.command("AccountConnect", account);
  }

  /** Connects, and resolves when the session is established. */
  async connect(options: AccountOptions): Promise<void> {
    await this.begin(options);
    await this.untilEstablished();
  }

  /** Connects by an account of another name, such as one that was imported. */
  async connectAccount(name: string): Promise<void> {
    await this.command("AccountConnect", name);
    await this.untilEstablished(name);
  }

  async disconnect(): Promise<void> {
    await this.command("AccountDisconnect", account);
  }

  async untilEstablished(name = account): Promise<void> {
    await this.until("the session to be established", async () => {
      const status = await this.status(name);
      return status.get("Session Status") === "Connection Completed (Session Established)";
    });
  }

  /** What `AccountStatusGet` shows; empty while the account is not connecting. */
  async status(name = account): Promise<ReadonlyMap<string, string>> {
    const { stdout } = await this.#program.vpncmd(["/CLIENT"], ["AccountStatusGet", name], false);
    return new Map(stdout.split("\n").map((line) => splitOnce(line.trim(), ",")));
  }

  /** Error codes of the connections that failed so far, from the client's own log. */
  async failures(): Promise<number[]> {
    return [...(await this.log()).matchAll(/\(code (\d+)\)/g)].map(([, code]) => Number(code));
  }

  /** Begins to connect and resolves with the error code of the first attempt. */
  async failure(options: AccountOptions): Promise<number> {
    await this.#program.vpncmd(["/CLIENT"], ["AccountDisconnect", account], false);
    const before = (await this.failures()).length;
    await this.begin(options);
    const added = async () => (await this.failures()).slice(before).filter((code) => code !== userCancelled);
    await this.until("the connection to fail", async () => (await added()).length > 0);
    await this.disconnect();
    const [code] = await added();
    assert.ok(code !== undefined);
    return code;
  }

  async log(): Promise<string> {
    const folder = join(this.#program.root, "var/log/softether/client_log");
    const files = await readdir(folder).catch(() => []);
    const texts = await Promise.all(files.sort().map((file) => readFile(join(folder, file), "utf8")));
    return texts.join("");
  }

  /** Gives the card of the VPN an address, such as `10.0.0.1/24`. */
  async setAddress(address: string): Promise<void> {
    const { station, card } = this;
    await station.run("ip", ["addr", "flush", "dev", card]);
    await station.run("ip", ["addr", "add", address, "dev", card]);
    await station.run("ip", ["link", "set", card, "up"]);
  }

  /** Whether an answer comes from the address, within some seconds. */
  async reaches(address: string, seconds = 10): Promise<boolean> {
    for (let second = 0; second < seconds; second++) {
      const { code } = await this.station.run("ping", ["-c1", "-W1", address], { check: false });
      if (code === 0) return true;
    }
    return false;
  }

  /** Sends `count` pings, and gives how many were answered. */
  async ping(address: string, count: number, options: readonly string[] = []): Promise<number> {
    const { stdout } = await this.station.run(
      "ping",
      ["-c", String(count), "-i", "0.05", "-W", "2", ...options, address],
      { check: false },
    );
    return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
  }

  /** Waits for a condition, at most a minute, and tells with the client's own last words what it waited for. */
  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (!(await condition())) {
      if (performance.now() > deadline) {
        const words = (await this.log()).split("\n").slice(-6).join("\n");
        assert.fail(`still waiting for ${what}; the client says:\n${words}`);
      }
      await delay(100);
    }
  }
}

/** A connection that the user ended is logged as failed, too. */
const userCancelled = 6;

function splitOnce(line: string, separator: string): [string, string] {
  const at = line.indexOf(separator);
  if (at === -1) return [line, ""];
  const unquoted = (text: string) => text.replace(/^"(.*)"$/, "$1");
  return [unquoted(line.slice(0, at)), unquoted(line.slice(at + 1))];
}
