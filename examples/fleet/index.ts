import * as pulumi from "@pulumi/pulumi";
import { VpnFleet, type VpnServerArgs } from "pulumi-vpnserver";

interface Host {
  readonly address: string;
  readonly hostKey: string;
}

const config = new pulumi.Config();
const hosts = config.requireObject<Record<string, Host>>("hosts");
const privateKey = config.requireSecret("privateKey");

const servers = Object.fromEntries(
  Object.entries(hosts).map(([name, { address, hostKey }]): [string, VpnServerArgs] => [
    name,
    { connection: { host: address, privateKey, hostKey } },
  ]),
);

const fleet = new VpnFleet("vpn", {
  servers,
  hubs: [
    {
      name: "STAFF",
      users: [
        { name: "alice", password: config.requireSecret("alicePassword"), group: "staff" },
        { name: "bob", password: config.requireSecret("bobPassword"), group: "staff" },
      ],
      groups: [{ name: "staff", policy: { MultiLogins: 2 } }],
    },
    {
      name: "CAMERAS",
      users: [{ name: "recorder", password: config.requireSecret("recorderPassword") }],
      // Nothing but the cameras' own network.
      accessList: [
        { action: "pass", sourceNetwork: "10.20.0.0/16", destinationNetwork: "10.20.0.0/16" },
        { action: "discard" },
      ],
    },
  ],
});

/** By host: health, endpoints, how each user connects. */
export const health = fleet.servers;
/** By host, hub and user; secret. */
export const vpnFiles = fleet.vpnFiles;
/** By host; secret. */
export const adminPasswords = fleet.adminPasswords;
