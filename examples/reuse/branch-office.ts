import * as pulumi from "@pulumi/pulumi";
import { VpnServer } from "pulumi-vpnserver";

export interface BranchOfficeArgs {
  /** Address of the office's host, which answers SSH. */
  host: pulumi.Input<string>;
  hostKey: pulumi.Input<string>;
  privateKey: pulumi.Input<string>;
  /** Passwords of those who work there, by their names. */
  staff: Record<string, pulumi.Input<string>>;
}

/** What each of our offices has: one hub, in which everybody has the same rights, and nobody more than two devices. */
export class BranchOffice extends pulumi.ComponentResource {
  readonly endpoints: pulumi.Output<string[]>;
  readonly vpnFiles: VpnServer["vpnFiles"];

  constructor(name: string, args: BranchOfficeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("example:index:BranchOffice", name, {}, opts);
    const { host, hostKey, privateKey, staff } = args;
    const users = Object.entries(staff).map(([name, password]) => ({ name, password, group: "staff" }));
    const server = new VpnServer(
      `${name}-vpn`,
      {
        connection: { host, hostKey, privateKey },
        hubs: [{ name: "OFFICE", users, groups: [{ name: "staff", policy: { MultiLogins: 2 } }] }],
      },
      { parent: this },
    );
    this.endpoints = server.endpoints;
    this.vpnFiles = server.vpnFiles;
    this.registerOutputs({ endpoints: this.endpoints, vpnFiles: this.vpnFiles });
  }
}
