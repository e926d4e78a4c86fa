import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies.ts";

// The program of the pack: this serves it to the engine, by which `pulumi up --policy-pack` asks.
new PolicyPack("pulumi-vpnserver", { policies, enforcementLevel: "mandatory" });
