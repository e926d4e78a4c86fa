import { basename, dirname } from "node:path";
import type { FleetMember } from "../../components/index.ts";
import { shellSettingsLine } from "../setup/shell-settings.ts";
import { shellWord } from "../setup/shell-word.ts";
import { sshHostName } from "./ssh-host.ts";
import { defaultDirectory, type Workspace } from "./workspace.ts";

export interface ReportOptions {
  readonly workspace: Workspace;
  /** Address that the server listens on; every address of this machine when it is missing. */
  readonly listenAddress?: string | undefined;
  /** What a person types to run an npm script of the checkout. */
  readonly npmRun: string;
  /** Whether `pulumi` is a command of the shell already. */
  readonly hasPulumi: boolean;
}

/** The server as `pulumi up` left it, for a person: its health, what it is good for, and commands to copy. */
export function describeServer(server: FleetMember, options: ReportOptions): string {
  return [
    ...describeState(server, options),
    ...describeConnecting(server, options),
    ...describeAdministration(server, options),
    ...describeHost(options),
    ...describePulumi(options),
  ].join("\n");
}

function describeState(server: FleetMember, { listenAddress }: ReportOptions): string[] {
  const { lastCheck } = server;
  const reach = listenAddress === undefined ? "every address of this machine" : "this machine alone";
  return [
    server.passedLastCheck
      ? `A VPN server runs on this machine, in user mode, version ${lastCheck?.version}.`
      : `The VPN server is not healthy: ${server.problem}`,
    "",
    ...rows([
      ["Endpoints", server.endpoints?.join(", ") || "none"],
      ["Reachable from", reach],
      ["TLS fingerprint", server.tlsFingerprint ?? "unknown"],
      ...(lastCheck?.listeners ?? []).map(({ port, state, reason, answers, tlsVersion }) => {
        const detail = answers ? `answers the VPN handshake (${tlsVersion})` : (reason ?? "");
        return [`Port ${port}`, `${state}  ${detail}`.trimEnd()] as const;
      }),
    ]),
  ];
}

function describeConnecting({ connections, networks }: FleetMember, { workspace }: ReportOptions): string[] {
  const [connection] = connections ?? [];
  if (connection === undefined) return [];
  const { hub, user, account } = connection;
  const vpncmd = "vpncmd localhost /CLIENT /CMD";
  const { vpnFile } = workspace;
  return [
    "",
    ...describeNetwork(hub, networks),
    "",
    `Connect a SoftEther VPN Client as user "${user}" of ${hub} (as root, where vpnclient runs):`,
    ...rows([
      ["card", `${vpncmd} NicCreate VPN`],
      // It takes a word that begins with "/" for an option.
      ["import", `(cd ${shellWord(dirname(vpnFile))} && ${vpncmd} AccountImport ${basename(vpnFile)})`],
      ["connect", `${vpncmd} AccountConnect ${shellWord(account)}`],
      ["look", `${vpncmd} AccountStatusGet ${shellWord(account)}`],
      // On the machine of the server itself all else has to go out by the way that there is.
      ["address", "dhclient -e IF_METRIC=9999 vpn_vpn"],
      ["page", "curl -sS --interface vpn_vpn http://example.com/"],
      ["leave", `dhclient -r vpn_vpn; ${vpncmd} AccountDisconnect ${shellWord(account)}`],
    ]),
  ];
}

function describeNetwork(hub: string, networks: FleetMember["networks"]): string[] {
  const network = networks?.find((each) => each.hub === hub);
  if (network === undefined) return [`Clients of the Virtual Hub ${hub} reach each other, and nothing else.`];
  const { address, dhcpRange } = network;
  return [
    `Clients of the Virtual Hub ${hub} get an address (${dhcpRange ?? "none"}), and reach each other and`,
    `the networks of this machine, by SecureNAT at ${address}.`,
  ];
}

function describeAdministration({ endpoints }: FleetMember, { workspace }: ReportOptions): string[] {
  const [endpoint] = endpoints ?? [];
  if (endpoint === undefined) return [];
  const password = `$(cat ${shellWord(workspace.passwordFile)})`;
  const request = JSON.stringify({ jsonrpc: "2.0", id: "1", method: "EnumHub", params: {} });
  return [
    "",
    "Administer it, with SoftEther's vpncmd or with JSON-RPC:",
    ...rows([
      ["vpncmd", `vpncmd ${endpoint} /SERVER /PASSWORD:"${password}" /CMD ServerStatusGet`],
      ["JSON-RPC", `curl -k -u "administrator:${password}" https://${endpoint}/api/ -d '${request}'`],
    ]),
  ];
}

function describeHost({ workspace, npmRun }: ReportOptions): string[] {
  const executable = shellWord(workspace.executable);
  const { directory } = workspace;
  const folder = directory === defaultDirectory ? [] : ["--directory", shellWord(directory)];
  const quickstart = (...words: readonly string[]) =>
    [npmRun, "quickstart", ...(words.length > 0 ? ["--", ...words] : [])].join(" ");
  return [
    "",
    "Look at it, update it, remove it:",
    ...rows([
      ["status", `${executable} status`],
      ["handshake", `${executable} check`],
      ["log", `tail -f ${shellWord(workspace.serverLog)}`],
      ["log in", `ssh -F ${shellWord(workspace.sshClientConfig)} ${sshHostName}`],
      ["again", quickstart(...folder)],
      ["remove all", quickstart("down", ...folder)],
    ]),
  ];
}

function describePulumi({ npmRun, hasPulumi }: ReportOptions): string[] {
  if (hasPulumi) return [];
  return [
    "",
    'Use the Pulumi that was set up, as "pulumi" in this shell:',
    ...rows([["pulumi", shellSettingsLine(npmRun)]]),
  ];
}

function rows(entries: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
}
