import { authenticationNumbers } from "../../settings/hub-settings.ts";
import { findHubFolders, foldersInDatabase } from "./hub-folders.ts";
import { FieldReader, foldersIn, isTrue } from "../text/config-fields.ts";
import { findFolder, findItem, type ConfigDocument, type ConfigFolder } from "../text/config-node.ts";

/**
 * What a configuration of the official server switches on that this server keeps in the file and does not serve, one line
 * each, for people. Names of folders and items: `Cedar/Server.c`, `SiLoadConfigurationCfg` and what it calls.
 */
export function unservedSettings({ root }: ConfigDocument): string[] {
  const server = findFolder(root, "ServerConfiguration");
  const protocols = server && findFolder(server, "Proto");
  const ipsec = findFolder(root, "IPsec");
  const dynamicDns = findFolder(root, "DDnsClient");
  return bounded([
    ...(findHubFolders(root) ?? []).flatMap(ofHub),
    ...foldersIn(findFolder(root, "VirtualLayer3SwitchList")).map(({ name }) => `layer 3 switch ${name}`),
    ...(server !== undefined && number(server, "ServerType") > 0 ? ["cluster of servers"] : []),
    ...clientsOf(server, "OpenVPN", "DisableOpenVPNServer"),
    ...clientsOf(server, "SSTP", "DisableSSTPServer"),
    ...(isOn(ipsec, "L2TP_IPsec") ? ["L2TP over IPsec"] : []),
    ...(isOn(ipsec, "L2TP_Raw") ? ["L2TP without encryption"] : []),
    ...(isOn(ipsec, "EtherIP_IPsec") ? ["EtherIP and L2TPv3 over IPsec"] : []),
    ...foldersIn(protocols)
      .filter((protocol) => isOn(protocol, "Enabled"))
      .map(({ name }) => `clients of ${name}`),
    ...(isOn(server, "EnableVpnAzure") ? ["VPN Azure"] : []),
    ...(isOn(server, "EnableVpnOverIcmp") ? ["VPN over ICMP"] : []),
    ...(isOn(server, "EnableVpnOverDns") ? ["VPN over DNS"] : []),
    ...(dynamicDns !== undefined && !isOn(dynamicDns, "Disabled") ? ["dynamic DNS name"] : []),
    ...counted("keys of WireGuard clients", foldersIn(findFolder(root, "WireGuardKeyList"))),
  ]);
}

/** People read no more. */
const mostLines = 100;

function bounded(lines: readonly string[]): string[] {
  const more = lines.length - mostLines;
  return more <= 0 ? [...lines] : [...lines.slice(0, mostLines), `${more} more of hubs and switches`];
}

/** In files of version 4, which have an item for each of these protocols that switches it off. */
function clientsOf(server: ConfigFolder | undefined, protocol: string, disable: string): string[] {
  const item = server && findItem(server, "bool", disable);
  return item === undefined || isTrue(item.value) ? [] : [`clients of ${protocol}`];
}

function counted(what: string, folders: readonly ConfigFolder[]): string[] {
  return folders.length === 0 ? [] : [`${what} (${folders.length})`];
}

function ofHub(hub: ConfigFolder): string[] {
  const { radius, "nt-domain": ntDomain } = authenticationNumbers;
  const elsewhere = foldersInDatabase(hub, "UserList").filter((user) => {
    const authType = number(user, "AuthType");
    return authType === radius || authType === ntDomain;
  });
  return [
    ...foldersIn(findFolder(hub, "CascadeList")).map((cascade) => {
      const option = findFolder(cascade, "ClientOption");
      return `cascade of hub ${hub.name} to ${option === undefined ? "?" : text(option, "Hostname")}`;
    }),
    ...counted(`users of hub ${hub.name} whom a RADIUS server or an NT domain knows`, elsewhere),
    ...(isOn(findFolder(hub, "Option"), "NoPhysicalIPOnPacketLog")
      ? [`NoPhysicalIPOnPacketLog of hub ${hub.name}: its packet log names the addresses of clients`]
      : []),
  ];
}

function isOn(folder: ConfigFolder | undefined, name: string): boolean {
  return folder !== undefined && isTrue(findItem(folder, "bool", name)?.value ?? "");
}

function number(folder: ConfigFolder, name: string): number {
  return new FieldReader(folder, folder.name).uint(name);
}

function text(folder: ConfigFolder, name: string): string {
  return findItem(folder, "string", name)?.value ?? "?";
}
