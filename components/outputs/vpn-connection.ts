import type { ListenerStatus } from "../../server/contract/listener-status.ts";
import type { HubAccount } from "../arguments/desired-hubs.ts";
import { vpnFile } from "./vpn-file.ts";

/** How one user connects to one hub. */
export interface VpnConnection {
  /** The Virtual Hub. */
  hub: string;
  /** The user. */
  user: string;
  /** Host name or address of the server. */
  host: string;
  /** TCP port of the first listener that serves. */
  port: number;
  /** What the connection is called in a VPN client that has imported the `.vpn` file. */
  account: string;
}

/** The connections of all users; none where no listener serves. */
export function connectionsOf(
  accounts: readonly Pick<HubAccount, "hub" | "user">[],
  host: string,
  listeners: readonly ListenerStatus[],
): VpnConnection[] {
  const port = listeners.find(({ state }) => state === "Listening")?.port;
  if (port === undefined) return [];
  return accounts.map(({ hub, user }) => ({ hub, user, host, port, account: `${user}@${host}/${hub}` }));
}

/** Texts of `.vpn` files, by hub and user. */
export function vpnFilesOf(
  accounts: readonly HubAccount[],
  connections: readonly VpnConnection[],
  serverCertificate: string,
): Record<string, Record<string, string>> {
  const files: Record<string, Record<string, string>> = {};
  for (const { hub, user, host, port, account } of connections) {
    const proof = accounts.find((other) => other.hub === hub && other.user === user)?.proof;
    if (proof === undefined) continue;
    (files[hub] ??= {})[user] = vpnFile({ name: account, host, port, hub, user, proof, serverCertificate });
  }
  return files;
}
