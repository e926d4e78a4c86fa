import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand } from "../../lab/command.ts";
import type { Host } from "../../lab/host.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Namespace } from "../../lab/namespace.ts";

/** Where Debian's package keeps the configuration. */
export const stateFolder = "/var/lib/softether";

const packageFiles = ["usr/libexec/softether/vpnserver", "usr/share/softether-common"];
const program = "/usr/libexec/softether/vpnserver/vpnserver";
const deadlineMs = 60_000;

/** The official server of Debian's package, unmodified, as a service of a host of the lab, administered from a station. */
export class SoftEtherHost {
  readonly host: Host;
  readonly desk: Namespace;
  readonly #lab: Lab;
  #password = "";

  private constructor(lab: Lab, host: Host, desk: Namespace) {
    this.#lab = lab;
    this.host = host;
    this.desk = desk;
  }

  /** @param unit name of the service; the package's own by default, else one made by hand */
  static async start(
    lab: Lab,
    host: Host,
    desk: Namespace,
    unit = "softether-vpnserver.service",
  ): Promise<SoftEtherHost> {
    const archive = join(await mkdtemp(join(lab.directory, "softether-")), "softether.tar");
    const { stdout } = await runCommand("ldd", [program]);
    const libraries = [...stdout.matchAll(/=> \/(lib\/\S*lib(?:readline|tinfo|ssl|crypto)\S*)/g)];
    await runCommand("tar", ["-C", "/", "-cf", archive, ...packageFiles]);
    // What a link of this machine points to, under the link's name.
    const linked = libraries.map(([, path = ""]) => path);
    await runCommand("tar", ["-C", "/", "-h", "-rf", archive, ...linked]);
    await host.run("tar -C / --keep-directory-symlink -xf -", { input: { file: archive } });
    const text = await readFile("/lib/systemd/system/softether-vpnserver.service", "utf8");
    const file = join(lab.directory, unit);
    await writeFile(file, text);
    const isPackaged = unit === "softether-vpnserver.service";
    await host.upload(file, `${isPackaged ? "/usr/lib" : "/etc"}/systemd/system/${unit}`);
    await host.run(`systemctl daemon-reload && systemctl enable --now ${unit}`);
    const server = new SoftEtherHost(lab, host, desk);
    await server.untilItAnswers();
    return server;
  }

  /** Runs one command of `vpncmd` on whatever server answers there. */
  vpncmd(...words: string[]): Promise<string> {
    return this.#vpncmd([], words);
  }

  inHub(hub: string, ...words: string[]): Promise<string> {
    return this.#vpncmd([`/ADMINHUB:${hub}`], words);
  }

  async setPassword(password: string): Promise<void> {
    await this.vpncmd("ServerPasswordSet", password);
    this.#password = password;
  }

  /** The server's certificate in PEM, in a file of this machine. */
  async certificateFile(): Promise<string> {
    const file = join(await mkdtemp(join(this.#lab.directory, "certificate-")), "server.cer");
    // A word that begins with "/" would be an option.
    await this.vpncmd("ServerCertGet", `.${file}`);
    return file;
  }

  /** Its unit is active before it listens, as `vpnserver start` does not wait for the process that it begins. */
  async untilItAnswers(): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const { code, stdout } = await this.#tryVpncmd([], ["HubList"], false);
      if (code === 0) return;
      if (performance.now() > deadline) throw new Error(`the SoftEther server does not answer:\n${stdout}`);
      await delay(200);
    }
  }

  async #vpncmd(where: readonly string[], words: readonly string[]): Promise<string> {
    const { stdout } = await this.#tryVpncmd(where, words, true);
    return stdout;
  }

  #tryVpncmd(where: readonly string[], words: readonly string[], check: boolean) {
    const password = this.#password === "" ? [] : [`/PASSWORD:${this.#password}`];
    const server = [`${this.host.address}:5555`, "/SERVER", ...password, ...where];
    // Files are named from the root folder on.
    return this.desk.run("vpncmd", [...server, "/CMD", ...words], { cwd: "/", check });
  }
}
