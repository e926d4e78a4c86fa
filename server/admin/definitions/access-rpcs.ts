import { list, str, u32 } from "../fields.ts";
import { rpc } from "../rpc.ts";
import { accessRuleFields } from "../shared-fields.ts";

/** The list has one rule; the next ones are not looked at. */
const accessFields = { HubName: str, AccessListSingle: list({ ...accessRuleFields }) } as const;

const deleteAccessFields = { HubName: str, Id: u32 } as const;

const enumAccessFields = { HubName: str, AccessList: list({ ...accessRuleFields }) } as const;

/** Access list. */
export const accessRpcs = {
  AddAccess: rpc({
    summary: "Adds a rule to the access list of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notEnoughRights", "tooManyAccessRules"],
    fields: accessFields,
  }),
  DeleteAccess: rpc({
    summary: "Deletes a rule of the access list.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notFarmController", "notEnoughRights"],
    fields: deleteAccessFields,
  }),
  EnumAccess: rpc({
    summary: "Lists the rules of the access list.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: enumAccessFields,
  }),
  SetAccessList: rpc({
    summary: "Puts another access list in the place of this one.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notEnoughRights", "tooManyAccessRules"],
    fields: enumAccessFields,
  }),
};
