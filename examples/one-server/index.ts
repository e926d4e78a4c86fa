import * as pulumi from "@pulumi/pulumi";
import { VpnServer } from "pulumi-vpnserver";

const config = new pulumi.Config();

const server = new VpnServer("office", {
  connection: {
    host: config.require("host"),
    user: config.get("user") ?? "root",
    privateKey: config.requireSecret("privateKey"),
    hostKey: config.require("hostKey"),
  },
  hubs: [
    {
      name: "DEFAULT",
      users: [
        { name: "alice", password: config.requireSecret("alicePassword") },
        { name: "bob", password: config.requireSecret("bobPassword"), group: "contractors" },
      ],
      // Each session of a contractor: 10 Mbit/s each way, no services for others.
      groups: [
        {
          name: "contractors",
          policy: { MaxUpload: 10_000_000, MaxDownload: 10_000_000, NoServer: true, NoServerV6: true },
        },
      ],
    },
  ],
});

export const endpoints = server.endpoints;
export const connections = server.connections;
export const vpnFiles = server.vpnFiles;
export const adminPassword = server.adminPassword;
export const lastCheck = server.lastCheck;
