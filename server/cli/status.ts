import { join } from "node:path";
import type { Command } from "commander";
import { jsonLine } from "../contract/json-format.ts";
import type { Owner } from "../contract/owner.ts";
import {
  serves,
  type HubSummary,
  type NativeStatus,
  type SecureNatSummary,
  type RunningStatus,
  type StoppedStatus,
} from "../contract/server-status.ts";
import { errorCodes } from "../errors.ts";
import { layoutOf } from "../install/layout.ts";
import { describeOwner } from "../install/owner.ts";
import { notRunning } from "../supervisor/instance-errors.ts";
import { version } from "../version.ts";
import type { CliContext } from "./context.ts";
import { describeListener } from "./describe-listener.ts";

/** `status`: exit code 0 when the server serves on at least one port. */
export function addStatusCommand(program: Command, context: CliContext): void {
  program
    .command("status")
    .description("tell whether the server runs, and the state of its listeners")
    .option("--json", "print JSON")
    .action(async (options: { json?: true }) => {
      const paths = context.statePaths();
      const { readStatus } = await import("../supervisor/control.ts");
      const running = await readStatus(paths);
      if (running === undefined) {
        if (!options.json) throw notRunning(paths.stateDirectory);
        const stopped: StoppedStatus = { running: false, stateDirectory: paths.stateDirectory };
        context.print(jsonLine(version, stopped));
        process.exitCode = errorCodes.NOT_RUNNING.exitCode;
        return;
      }
      const owner = await ownerOf(running);
      const status: RunningStatus = { ...running, ...(owner && { owner }) };
      context.print(options.json ? jsonLine(status.version, status) : describe(status));
      if (!serves(status)) process.exitCode = errorCodes.UNHEALTHY.exitCode;
    });
}

/** Whose it is stands in the installation, which the server that runs does not look at. */
async function ownerOf({ release, executable }: RunningStatus): Promise<Owner | undefined> {
  if (release === null) return undefined;
  const { installedOwner } = await import("../install/manifest.ts");
  // PREFIX/releases/SHA256/vpnserver
  return await installedOwner(layoutOf(join(executable, "../../..")));
}

function describe(status: RunningStatus): string {
  const { worker } = status;
  const restarts = worker.restarts === 1 ? "1 restart" : `${worker.restarts} restarts`;
  return [
    `SoftEther VPN Server Service is running since ${status.startedAt}`,
    `  version      ${status.version}`,
    `  executable   ${status.executable}`,
    `  state        ${status.stateDirectory}`,
    ...(status.owner ? [`  owner        ${describeOwner(status.owner)}`] : []),
    `  supervisor   process ${status.supervisor.pid}`,
    `  worker       ${worker.pid === null ? "being started again" : `process ${worker.pid}`}, ${restarts}`,
    `  certificate  SHA-256 ${status.tlsFingerprint}`,
    ...status.listeners.map((listener) => `  ${describeListener(listener)}`),
    ...(status.hubs ?? []).map((hub) => `  hub ${describeHub(hub)}`),
    ...(status.restrictions ?? []).map((restriction) => `  restricted: ${restriction}`),
    ...(status.notServed ?? []).map((setting) => `  not served: ${setting}`),
    ...(status.full ? ["  full: more connections come than there are places before a login"] : []),
    ...(status.native ? [`  native calls: ${describeNative(status.native)}`] : []),
    ...(status.warnings ?? []).map((warning) => `  warning: ${warning}`),
  ].join("\n");
}

function describeNative({ available, detail }: NativeStatus): string {
  return available ? `by ${detail}` : `none (${detail})`;
}

function describeHub({ name, online, sessions, secureNat }: HubSummary): string {
  const state = `${name}: ${online ? "online" : "offline"}, ${counted(sessions, "session")}`;
  if (secureNat === undefined) return state;
  const { address, leases } = secureNat;
  const network = `${state}; SecureNAT ${address}, ${counted(leases, "lease")}`;
  return `${network}, ${describeNat(secureNat)}${describeIpv6(secureNat)}`;
}

function describeNat({ connections, nat, natReason }: SecureNatSummary): string {
  if (nat === "off") return `no NAT${natReason === undefined ? "" : ` (${natReason})`}`;
  if (nat === "kernel") return "NAT by the host's kernel";
  const why = natReason === undefined ? "" : ` (not by the host's kernel: ${natReason})`;
  return `${counted(connections, "connection")}${why}`;
}

function describeIpv6({ ipv6, ipv6Reason }: SecureNatSummary): string {
  if (ipv6 === "user") return ", IPv6";
  if (ipv6 !== "refused") return "";
  return `, IPv6 refused${ipv6Reason === undefined ? "" : ` (${ipv6Reason})`}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
