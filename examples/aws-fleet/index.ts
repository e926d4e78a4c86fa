import * as pulumi from "@pulumi/pulumi";
import { AwsVpnFleet } from "pulumi-vpnserver/aws";

const config = new pulumi.Config();

const fleet = new AwsVpnFleet("edge", {
  minInstances: 2,
  maxInstances: 6,
  // Another instance when those that there are send more than this on average.
  scaling: { networkOutMbps: 200 },
  users: [{ name: "alice", password: config.requireSecret("alicePassword") }],
});

export const endpoints = fleet.endpoints;
export const vpnFiles = fleet.vpnFiles;
export const adminPassword = fleet.adminPassword;
