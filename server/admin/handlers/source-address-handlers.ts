import { inOrderOfPriority, type SourceAddressRule } from "../../settings/source-address-rule.ts";
import { formatAddress, parseAddress } from "../../ethernet/ip-address.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers, rpcs } from "../definitions.ts";
import { RpcError, type RequestOf } from "../rpc.ts";
import { accountLimits } from "./account-limits.ts";
import { findHub, updateHub } from "./find-hub.ts";

type RuleMessage = RequestOf<typeof rpcs.SetAcList>["ACList"][number];

/** From where clients may log in to a hub. A rule is named by its place in the order in which they are tried, from 1. */
export function createSourceAddressHandlers(administration: Administration): RpcHandlers {
  return {
    GetAcList: ({ HubName }) => ({
      ACList: messagesOf(findHub(administration.settings(), HubName).sourceAddresses),
    }),
    SetAcList: async ({ HubName, ACList }) => {
      if (ACList.length > accountLimits.sourceAddresses) throw new RpcError("tooManyItems");
      const sourceAddresses = inOrderOfPriority(ACList.map(ruleFrom));
      await updateHub(administration, HubName, (hub) => ({ ...hub, sourceAddresses }));
      return { ACList: messagesOf(sourceAddresses) };
    },
  };
}

function messagesOf(rules: readonly SourceAddressRule[]): RuleMessage[] {
  return rules.map((rule, index) => ({
    Id: index + 1,
    Deny: rule.action === "deny",
    IpAddress: formatAddress(rule.address),
    Masked: rule.mask !== undefined,
    SubnetMask: formatAddress(rule.mask ?? new Uint8Array(rule.address.length)),
    Priority: rule.priority,
  }));
}

/** @throws {RpcError} invalidParameter */
function ruleFrom({ IpAddress, Masked, SubnetMask, Deny, Priority }: RuleMessage): SourceAddressRule {
  const address = parseAddress(IpAddress);
  const mask = Masked ? parseAddress(SubnetMask) : undefined;
  if (address === undefined || (Masked && mask?.length !== address.length)) {
    throw new RpcError("invalidParameter", `${IpAddress} is no address with a mask of its kind`);
  }
  return { priority: Priority, action: Deny ? "deny" : "allow", address, mask };
}
