import type * as pulumi from "@pulumi/pulumi";
import { hasAddress, parseIpNetwork } from "../../../server/ethernet/ip-network.ts";
import { parseIpAddress } from "../../../server/ethernet/packed-address.ts";
import { ArgumentError } from "../../arguments/argument-error.ts";
import { isLeftOut, isObject } from "../../arguments/argument-kind.ts";
import type { DesiredHubs } from "../../arguments/desired-hubs.ts";
import { checkHubs } from "../../deployment/settings.ts";
import type { Provision } from "../provision.ts";
import type { AwsVpnFleetArgs } from "./fleet-arguments.ts";

/** Where an instance gets the credentials of its role. */
const metadataService = ["169.254.169.254", "fd00:ec2::254"] as const;

/** The hubs that were given, or the one that `users` is short for. */
export function fleetHubs(
  provision: Provision,
  { hubs, users }: Pick<AwsVpnFleetArgs, "hubs" | "users">,
): pulumi.Output<DesiredHubs> {
  const given = isLeftOut(users) ? hubs : [{ name: "DEFAULT", users }];
  return checkHubs(provision, isLeftOut(given) ? {} : { hubs: given }).apply((desired) =>
    provision.attempt(() => {
      const problems = metadataProblems(desired.hubs);
      if (problems.length > 0) throw new ArgumentError(problems);
      return desired;
    }),
  );
}

/** SecureNAT keeps users from the metadata service; opened, it would give them the secrets of the fleet. @param hubs checked */
export function metadataProblems(hubs: readonly unknown[]): string[] {
  return hubs.flatMap((hub, index) => {
    const secureNat = isObject(hub) ? hub["secureNat"] : undefined;
    const open = isObject(secureNat) ? secureNat["openNetworks"] : undefined;
    return (Array.isArray(open) ? open : []).flatMap((text: unknown) => {
      const network = parseIpNetwork(String(text));
      const reached = metadataService.find((address) => {
        const packed = parseIpAddress(address);
        return network !== undefined && packed !== undefined && hasAddress(network, packed);
      });
      if (reached === undefined) return [];
      return [
        `hubs[${index}].secureNat.openNetworks has "${String(text)}", by which users reach ${reached}: an instance of a fleet gets there ` +
          "what it reads all passwords and the private key by, so leave it closed",
      ];
    });
  });
}
