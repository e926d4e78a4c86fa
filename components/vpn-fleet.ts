import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "./arguments/argument-error.ts";
import { describeValue, isObject } from "./arguments/argument-kind.ts";
import type { VpnServerArgs, VpnServerOptions } from "./arguments/server-arguments.ts";
import { DeploymentError, failQuietly } from "./deployment/deployment-error.ts";
import type { VpnServerResourceOptions } from "./deployment/resource-options.ts";
import { memberReport, memberSecrets, type FleetMember } from "./outputs/member-report.ts";
import { VpnServer } from "./vpn-server.ts";

/** What a {@link VpnFleet} needs: its servers, and what they have in common. */
export interface VpnFleetArgs extends VpnServerOptions {
  /** The servers by name; what one of them is told itself comes before what the fleet is told. */
  servers: { [name: string]: VpnServerArgs };
}

/**
 * VPN servers on many hosts, in both modes if need be. A host that fails is told by its name and does not stop the
 * others.
 */
export class VpnFleet extends pulumi.ComponentResource {
  /** The servers by name, those that failed included. */
  readonly servers: pulumi.Output<{ [name: string]: FleetMember }>;
  /** Texts of `.vpn` files by server, hub and user; secret. Servers whose hosts could not be reached are not there. */
  readonly vpnFiles: pulumi.Output<Record<string, Record<string, Record<string, string>>>>;

  /**
   * Passwords of the administrators by server; secret. Servers whose hosts could not be reached are not there, nor are those
   * whose password was imported.
   */
  readonly adminPasswords: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: VpnFleetArgs, opts: VpnServerResourceOptions = {}) {
    const { transform, ...options } = opts;
    super("vpnserver:index:VpnFleet", name, {}, options);
    const { servers, ...common } = args;
    const problems = serverProblems(servers);
    if (problems.length > 0) {
      throw new DeploymentError(`VpnFleet "${name}": ${new ArgumentError(problems).message}`, this);
    }
    const members = Object.entries(servers).map(([key, own]): [string, VpnServer] => [
      key,
      new VpnServer(
        `${name}-${key}`,
        { ...common, ...own },
        { parent: this, ...(transform && { transform }) },
      ),
    ]);
    this.servers = pulumi.all(
      Object.fromEntries(members.map(([key, server]) => [key, memberReport(server)])),
    );
    this.vpnFiles = memberSecrets(members, ({ vpnFiles }) => vpnFiles);
    this.adminPasswords = memberSecrets(members, ({ adminPassword }) => adminPassword);
    failQuietly(this);
    this.registerOutputs({
      servers: this.servers,
      vpnFiles: this.vpnFiles,
      adminPasswords: this.adminPasswords,
    });
  }
}

/** What is wrong with the servers as a whole; each checks its own arguments. */
function serverProblems(servers: unknown): string[] {
  if (!isObject(servers)) {
    return [`servers is ${describeValue(servers)}: an object is needed that names at least one server`];
  }
  const entries = Object.entries(servers);
  if (entries.length === 0) return ["servers is empty: name at least one server"];
  const places = new Map<string, string>();
  return entries.flatMap(([key, own]) => {
    if (!isObject(own))
      return [`servers.${key} is ${describeValue(own)}: an object with a connection is needed`];
    const place = placeOf(own);
    const other = place === undefined ? undefined : places.get(place);
    if (place !== undefined) places.set(place, key);
    if (other === undefined) return [];
    return [
      `servers.${key} is the same user of the same host as servers.${other}, and the two would take the server from each other: ` +
        "leave one out",
    ];
  });
}

/** Where a server is put, as far as it is written down in plain values. */
function placeOf(server: Readonly<Record<string, unknown>>): string | undefined {
  const { connection, directory = "" } = server;
  if (!isObject(connection)) return undefined;
  const place = [connection["host"], connection["port"] ?? 22, connection["user"] ?? "root", directory];
  return place.every((part) => typeof part === "string" || typeof part === "number")
    ? JSON.stringify(place)
    : undefined;
}
