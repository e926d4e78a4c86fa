import { basename, dirname } from "node:path";
import type { FleetMember } from "../../components/index.ts";

export interface ReportPaths {
  /** The installed executable. */
  readonly executable: string;
  readonly logFile: string;
  /** What a VPN client imports. */
  readonly vpnFile: string;
  /** Holds the password of the server's administrator. */
  readonly passwordFile: string;
  readonly ssh: { readonly port: number; readonly user: string; readonly privateKeyFile: string };
}

/** The server as `pulumi up` left it, for a person: where it listens, its health, how to connect, look at it and stop it. */
export function describeServer(server: FleetMember, paths: ReportPaths): string {
  const { lastCheck } = server;
  const lines = [
    server.passedLastCheck
      ? `A VPN server runs on this machine, in ${server.mode} mode, version ${lastCheck?.version}.`
      : `The VPN server is not healthy: ${server.problem}`,
    "",
    ...rows([
      ["Endpoints", server.endpoints?.join(", ") ?? "none"],
      ["TLS fingerprint", server.tlsFingerprint ?? "unknown"],
      ["Mode", server.modeReason ?? "unknown"],
      ["Firewall", server.firewall?.message ?? "unknown"],
    ]),
  ];
  if (lastCheck !== undefined) {
    lines.push(
      "",
      `Health, checked through the ${lastCheck.checkedThrough}: ${lastCheck.processes} processes, and`,
    );
    for (const { port, state, reason, answers, tlsVersion } of lastCheck.listeners) {
      const detail = answers ? `answers the VPN handshake (${tlsVersion})` : (reason ?? "");
      lines.push(`  port ${String(port).padEnd(6)} ${state.padEnd(10)} ${detail}`.trimEnd());
    }
  }
  const [connection] = server.connections ?? [];
  if (connection !== undefined) {
    const { hub, user, account } = connection;
    const vpncmd = "vpncmd localhost /CLIENT /CMD";
    lines.push(
      "",
      `Connect as user "${user}" to the Virtual Hub ${hub}, with the SoftEther VPN Client:`,
      ...rows([
        ["account", paths.vpnFile],
        ["card", `${vpncmd} NicCreate VPN`],
        // It takes a word that begins with "/" for an option.
        ["import", `(cd ${dirname(paths.vpnFile)} && ${vpncmd} AccountImport ${basename(paths.vpnFile)})`],
        ["connect", `${vpncmd} AccountConnect ${account}`],
        ["look", `${vpncmd} AccountStatusGet ${account}`],
        ["address", "ip address add 10.99.0.2/24 dev vpn_vpn    (the hub has no DHCP server of its own)"],
      ]),
    );
  }
  const [endpoint] = server.endpoints ?? [];
  if (endpoint !== undefined) {
    const password = `$(cat ${paths.passwordFile})`;
    lines.push(
      "",
      "Administer it, with the programs of SoftEther or with JSON:",
      ...rows([
        ["password", paths.passwordFile],
        ["vpncmd", `vpncmd ${endpoint} /SERVER /PASSWORD:"${password}" /CMD ServerStatusGet`],
        [
          "JSON-RPC",
          `curl -k -u "administrator:${password}" https://${endpoint}/api/ -d '{"jsonrpc":"2.0","id":"1","method":"EnumHub","params":{}}'`,
        ],
      ]),
    );
  }
  const { executable, logFile, ssh } = paths;
  lines.push(
    "",
    "Look at it:",
    ...rows([
      ["status", `${executable} status`],
      ["handshake", `${executable} check`],
      ["log", `tail -f ${logFile}`],
      ["log in", `ssh -i ${ssh.privateKeyFile} -p ${ssh.port} ${ssh.user}@127.0.0.1`],
      ["again", "npm run quickstart"],
      ["remove all", "npm run quickstart -- down"],
    ]),
  );
  return lines.join("\n");
}

function rows(entries: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
}
