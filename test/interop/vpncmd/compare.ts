import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../../lab/lab.ts";
import type { Namespace } from "../../lab/namespace.ts";
import { testCertificate } from "../../unit/transport/loopback.ts";
import { hubOf, OurServer } from "../support/our-server.ts";
import { SoftEtherProgram } from "../support/softether-program.ts";
import { steps, type Step } from "./steps.ts";

/** What a command came to, on one server: vpncmd's exit code, which is the error's number, and what it printed. */
interface Outcome {
  readonly code: number;
  /** With what differs from run to run, and from server to server, left out. */
  readonly lines: readonly string[];
}

export interface Compared {
  readonly step: Step;
  readonly official: Outcome;
  readonly ours: Outcome;
}

/** Commands that tell of the server itself: the same items on both, each with its own figures. */
const ownFigures = new Set(["ServerInfoGet", "ServerStatusGet", "ConnectionList", "LogFileList", "Flush"]);
/** Errors that say that a server does not have what a command is about. */
const notSupportedCodes = new Set([33, 84, 93, 147]);

export type Verdict = "works" | "differs" | "not supported";

/** Runs every step on both servers. */
export async function compareServers(lab: Lab): Promise<Compared[]> {
  const [officialStation, ourStation] = await Promise.all([lab.station("official"), lab.station("ours")]);
  await SoftEtherProgram.start("vpnserver", officialStation, 5555);
  const ours = await OurServer.start(ourStation, lab.directory, [hubOf("DEFAULT", [])]);
  const official = await Administrator.create(officialStation, join(lab.directory, "official-files"));
  const our = await Administrator.create(ourStation, join(lab.directory, "our-files"));
  // It opens one more by itself, for OpenVPN.
  await official.run({ command: ["ListenerDelete", "1194"] });
  const compared: Compared[] = [];
  for (const step of steps) {
    const [there, here] = await Promise.all([official.run(step), our.run(step)]);
    compared.push({ step, official: there, ours: here });
  }
  await ours.stop();
  return compared;
}

/** Somebody with vpncmd, beside a server. */
class Administrator {
  readonly #station: Namespace;
  readonly #directory: string;
  #password = "";

  private constructor(station: Namespace, directory: string) {
    this.#station = station;
    this.#directory = directory;
  }

  static async create(station: Namespace, directory: string): Promise<Administrator> {
    await mkdir(directory);
    await writeFile(join(directory, "given.crt"), (await testCertificate()).certificatePem);
    return new Administrator(station, directory);
  }

  async run({ hub, command }: Step): Promise<Outcome> {
    const args = [
      ...["localhost:5555", "/SERVER", `/PASSWORD:${this.#password}`],
      ...(hub === undefined ? [] : [`/ADMINHUB:${hub}`]),
      ...["/CSV", "/CMD", ...command.map((word) => word.replace("FILE:", ""))],
    ];
    const { code, stdout } = await this.#station.run("vpncmd", args, {
      check: false,
      timeoutMs: 60_000,
      cwd: this.#directory,
    });
    const [name = "", password = ""] = command;
    if (name === "ServerPasswordSet" && code === 0) this.#password = password;
    return { code, lines: normalize(stdout, ownFigures.has(name)) };
  }
}

/**
 * The official server looks whether its machine is a virtual one, by the kernel's log, and has advice for bridges there. So what it
 * says depends on the machine that the tests run on.
 */
const capabilityOfVirtualMachine = /^Running on VM /;
const adviceForVirtualMachines = /^Instructions for Local Bridge on VM\n[^]*/m;

/** What a command printed, with what differs from run to run, from server to server and from machine to machine, left out. */
export function normalize(output: string, ownFigure = false): string[] {
  return (
    output
      .replaceAll("\r\n", "\n")
      .replace(adviceForVirtualMachines, "")
      .split("\n")
      .filter((line) => line.trim() !== "" && !capabilityOfVirtualMachine.test(line))
      // What `Check` finds out about the disk of the machine that vpncmd runs on is none of the servers' doing.
      .filter((line) => !line.startsWith("FileSize "))
      .map((line) =>
        line
          .replace(/\d{4}-\d{2}-\d{2} (\(\w{3}\) )?\d{2}:\d{2}:\d{2}(\.\d+)?/g, "TIME")
          .replace(/\bCID-\d+\b/g, "CID")
          // The unique id of a rule of an access list.
          .replace(/^(\d+,(?:Pass|Discard),(?:Enable|Disable),\d+),\d+,/, "$1,ID,")
          // The key of a trusted certificate.
          .replace(/^ID,\d+$/, "ID,KEY")
          // The key of a revoked one.
          .replace(/^\d+(,"Subject=)/, "KEY$1")
          // Traffic of a hub: the official one talks to itself.
          .replace(/^(\w+,O(?:n|ff)line,Standalone,.*),\d+,\d+$/, "$1,…"),
      )
      .map((line) => (ownFigure ? line.replace(/[,\d].*/, "…") : line))
  );
}

export function verdictOf({ official, ours }: Compared): Verdict {
  const isSame = official.code === ours.code && official.lines.join("\n") === ours.lines.join("\n");
  if (isSame) return "works";
  if (notSupportedCodes.has(ours.code) && !notSupportedCodes.has(official.code)) return "not supported";
  return "differs";
}

/** What is different, in a few words: the error's number, or the first lines that are not the same. */
export function differenceOf({ official, ours }: Compared): string {
  if (official.code !== ours.code) return `error ${ours.code} instead of ${official.code}`;
  const missing = official.lines.filter((line) => !ours.lines.includes(line));
  const more = ours.lines.filter((line) => !official.lines.includes(line));
  const quote = (lines: readonly string[]) =>
    `${lines
      .slice(0, 2)
      .map((line) => `\`${line.replaceAll("|", "\\|").slice(0, 100)}\``)
      .join(", ")}${lines.length > 2 ? ` and ${lines.length - 2} more` : ""}`;
  if (missing.length === 0 && more.length === 0) return "the order of lines";
  if (missing.length === 0) return `besides ${quote(more)}`;
  if (more.length === 0) return `without ${quote(missing)}`;
  return `${quote(more)} instead of ${quote(missing)}`;
}
