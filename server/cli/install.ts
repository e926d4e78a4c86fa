import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { ImportReport, InstallResult } from "../contract/install-result.ts";
import { jsonLine } from "../contract/json-format.ts";
import { isOwnerLabel, ownerLimits, type Owner } from "../contract/owner.ts";
import { ServerError } from "../errors.ts";
import { checkFolder, defaultPrefix, layoutOf } from "../install/layout.ts";
import { requestableModes, type RequestedMode } from "../install/mode-choice.ts";
import { describeOwner } from "../install/owner.ts";
import type { CliContext } from "./context.ts";
import { describeListener } from "./describe-listener.ts";
import { parseOwnerId } from "./owner-id.ts";
import { parsePortList } from "./port-list.ts";

interface InstallFlags {
  readonly mode: RequestedMode;
  readonly prefix?: string;
  readonly sha256?: string;
  readonly ownerId?: string;
  readonly ownerStack?: string;
  readonly ownerName?: string;
  readonly adopt?: true;
  readonly listeners?: number[];
  readonly import?: string;
  readonly openFirewall?: boolean;
  readonly healthTimeout: number;
  readonly json?: true;
}

/** `install`: puts this executable on the host, or the host's server in order, and proves that it serves. */
export function addInstallCommand(program: Command, context: CliContext): void {
  program
    .command("install")
    .description("install this executable as the host's server, or update it; safe to run again at any time")
    .addOption(
      new Option(
        "--mode <mode>",
        "service (started at boot; root, sudo or an administrator), user (a background process) or auto",
      )
        .choices(requestableModes)
        .default("auto"),
    )
    .option(
      "--prefix <directory>",
      `where it is put (default: ${defaultPrefix("service")}, in user mode ${defaultPrefix("user")})`,
    )
    .option("--listeners <ports>", "TCP ports (default: as they are; 443,992,5555 at first)", parsePortList)
    .option(
      "--import <path>",
      "take over the SoftEther VPN Server of this host, whose vpn_server.config this is, or the folder with it",
    )
    .option(
      "--open-firewall",
      "open the ports in nftables, ufw or the Windows firewall, in service mode (default: as before; yes at first)",
    )
    .option("--no-open-firewall", "leave the firewall alone, and take rules of ours away")
    .option(
      "--health-timeout <seconds>",
      "how long the server has to answer before the previous release is put back",
      parseSeconds,
      20,
    )
    .option("--sha256 <hex>", "what the SHA-256 of this executable has to be", parseSha256)
    .option("--owner-id <id>", "the deployment that the server belongs to from now on", parseOwnerId)
    .option("--owner-stack <label>", "what that deployment is a part of", parseOwnerLabel)
    .option("--owner-name <label>", "its name there", parseOwnerLabel)
    .option("--adopt", "take the server over from another deployment")
    .option("--json", "print the result as one line of JSON")
    .action(async (flags: InstallFlags) => {
      if (process.platform === "win32" && flags.import !== undefined) {
        throw new ServerError(
          "UNSUPPORTED",
          "--import is not there on Windows: stop the other server, copy its vpn_server.config into the state directory, and install then",
        );
      }
      const executable = installable(context);
      const owner = ownerOf(flags);
      const { runProgram } = await import("../platform/run-program.ts");
      const { probeHost } = await import("../install/host-facts.ts");
      const { requestMode } = await import("../install/mode-request.ts");
      const facts = await probeHost({ run: runProgram, env: context.env, executable });
      const named = flags.prefix === undefined ? undefined : resolve(flags.prefix);
      const { mode, reason, needsSudo, warning } = await requestMode(flags.mode, { prefix: named, facts });
      const prefix = checkFolder("--prefix", named ?? defaultPrefix(mode), mode);
      const stateOption = context.stateDirectoryOption();
      const stateDirectory =
        stateOption === undefined ? undefined : checkFolder("--state-dir", stateOption, mode);
      if (needsSudo) {
        const { runAsRoot } = await import("./sudo.ts");
        process.exitCode = await runAsRoot(executable, rootWords(flags, prefix, stateDirectory));
        return;
      }
      context.note(`${mode} mode: ${reason}`);
      const { install } = await import("../install/install.ts");
      const result = await install({
        executable,
        mode,
        reason,
        modeWarning: warning,
        prefix,
        sha256: flags.sha256,
        owner,
        adopt: flags.adopt,
        stateDirectory,
        listeners: flags.listeners,
        importFrom: flags.import === undefined ? undefined : resolve(flags.import),
        openFirewall: flags.openFirewall,
        healthTimeoutMs: flags.healthTimeout * 1000,
        run: runProgram,
        note: (message) => context.note(message),
        signal: breakOffSignal(),
      });
      for (const warning of result.warnings) context.note(`warning: ${warning}`);
      context.print(flags.json ? jsonLine(result.version, result) : describe(result));
    });
}

/** From the sources there is no executable file that could be put anywhere. */
function installable({ executable }: CliContext): string {
  if (executable !== undefined) return executable;
  throw new ServerError(
    "UNSUPPORTED",
    "the sources cannot be installed: build the executable (npm run build), then run its install, such as dist/vpnserver-linux-x64 install",
  );
}

function rootWords(flags: InstallFlags, prefix: string, stateDirectory: string | undefined): string[] {
  return [
    "install",
    `--mode=${flags.mode}`,
    `--prefix=${prefix}`,
    `--health-timeout=${flags.healthTimeout}`,
    ...(stateDirectory === undefined ? [] : [`--state-dir=${stateDirectory}`]),
    ...(flags.sha256 === undefined ? [] : [`--sha256=${flags.sha256}`]),
    ...(flags.ownerId === undefined ? [] : [`--owner-id=${flags.ownerId}`]),
    ...(flags.ownerStack === undefined ? [] : [`--owner-stack=${flags.ownerStack}`]),
    ...(flags.ownerName === undefined ? [] : [`--owner-name=${flags.ownerName}`]),
    ...(flags.adopt ? ["--adopt"] : []),
    ...(flags.listeners === undefined ? [] : [`--listeners=${flags.listeners.join()}`]),
    ...(flags.import === undefined ? [] : [`--import=${resolve(flags.import)}`]),
    ...(flags.openFirewall === undefined
      ? []
      : [flags.openFirewall ? "--open-firewall" : "--no-open-firewall"]),
    ...(flags.json ? ["--json"] : []),
  ];
}

/**
 * An installation that is told to end puts things back first. The end of a terminal or of an SSH connection is no reason
 * to break off.
 */
function breakOffSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () =>
      controller.abort(new ServerError("FAILED", `the installation was broken off by ${signal}`)),
    );
  }
  process.on("SIGHUP", () => {});
  return controller.signal;
}

/** @throws {ServerError} USAGE when only a part of it is told */
function ownerOf({ ownerId, ownerStack, ownerName }: InstallFlags): Owner | undefined {
  if (ownerId !== undefined && ownerStack !== undefined && ownerName !== undefined) {
    return { id: ownerId, stack: ownerStack, name: ownerName };
  }
  if (ownerId === undefined && ownerStack === undefined && ownerName === undefined) return undefined;
  throw new ServerError(
    "USAGE",
    "--owner-id, --owner-stack and --owner-name are given together, or not at all",
  );
}

function parseOwnerLabel(text: string): string {
  if (isOwnerLabel(text)) return text;
  throw new InvalidArgumentError(
    `A label has 1 to ${ownerLimits.labelCharacters} characters, and no control characters.`,
  );
}

function parseSha256(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("A SHA-256 is 64 hexadecimal digits.");
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > 3600) {
    throw new InvalidArgumentError("A whole number of seconds from 1 to 3600 is needed.");
  }
  return seconds;
}

function describe(result: InstallResult): string {
  return [
    `${result.changed ? "Installed" : "Nothing had to be changed"}: version ${result.version} in ${result.mode} mode`,
    `  release      ${result.sha256}`,
    `  executable   ${layoutOf(result.prefix).executable}`,
    `  state        ${result.stateDirectory}`,
    ...(result.owner === undefined ? [] : [`  owner        ${describeOwner(result.owner)}`]),
    `  certificate  SHA-256 ${result.tlsFingerprint}`,
    `  firewall     ${result.firewall.message}`,
    ...(result.imported === undefined ? [] : [`  imported     ${describeImport(result.imported)}`]),
    ...result.listeners.map((listener) => `  ${describeListener(listener)}`),
  ].join("\n");
}

function describeImport({ from, status, hubs, users, formerServices, notServed }: ImportReport): string {
  if (status === "before") return `${from}, before`;
  const stopped = formerServices.map((name) => `; ${name} is stopped and disabled`).join("");
  const others = notServed.map((setting) => `\n               not served: ${setting}`).join("");
  return `${from}: ${hubs} hubs, ${users} users${stopped}${others}`;
}
