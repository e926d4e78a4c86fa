import * as pulumi from "@pulumi/pulumi";
import { AwsVpnServer } from "pulumi-vpnserver/aws";

const config = new pulumi.Config();

const server = new AwsVpnServer("edge", {
  // Where "pulumi up" is run.
  sshFrom: config.requireObject<string[]>("sshFrom"),
  users: [{ name: "alice", password: config.requireSecret("alicePassword") }],
});

export const publicIp = server.publicIp;
export const instanceId = server.instanceId;
export const endpoints = server.endpoints;
export const vpnFiles = server.vpnFiles;
export const adminPassword = server.adminPassword;
