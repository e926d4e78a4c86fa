import * as pulumi from "@pulumi/pulumi";
import { BranchOffice } from "./branch-office";

const config = new pulumi.Config();

const zurich = new BranchOffice("zurich", {
  host: config.require("host"),
  hostKey: config.require("hostKey"),
  privateKey: config.requireSecret("privateKey"),
  staff: { alice: config.requireSecret("alicePassword") },
});

export const endpoints = zurich.endpoints;
export const vpnFiles = zurich.vpnFiles;
