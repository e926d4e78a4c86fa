import type { ServerSettings } from "../settings/server-settings.ts";
import type { AdminOption } from "../settings/admin-options.ts";
import type { RpcName } from "./definitions.ts";
import { RpcError, type Call } from "./rpc.ts";

/** The option of a hub that keeps its administrator from a method. */
const forbiddenBy: Readonly<Partial<Record<RpcName, AdminOption>>> = {
  SetHubMsg: "no_change_msg",
  SetHubLog: "no_change_log_config",
  SetHubExtOptions: "deny_hub_admin_change_ext_option",
  EnumLogFile: "no_read_log_file",
  ReadLogFile: "no_read_log_file",
  SetAcList: "no_change_access_control_list",
  AddCrl: "no_change_crl_list",
  SetCrl: "no_change_crl_list",
  DelCrl: "no_change_crl_list",
  AddCa: "no_change_cert_list",
  DeleteCa: "no_change_cert_list",
  AddAccess: "no_change_access_list",
  DeleteAccess: "no_change_access_list",
  SetAccessList: "no_change_access_list",
  CreateUser: "no_change_users",
  SetUser: "no_change_users",
  DeleteUser: "no_change_users",
  CreateGroup: "no_change_groups",
  SetGroup: "no_change_groups",
  DeleteGroup: "no_change_groups",
  EnumSession: "no_enum_session",
  GetSessionStatus: "no_query_session",
  DeleteSession: "no_disconnect_session",
  DeleteMacTable: "no_delete_mactable",
  DeleteIpTable: "no_delete_iptable",
  CreateLink: "no_cascade",
  SetLink: "no_cascade",
  DeleteLink: "no_cascade",
  RenameLink: "no_cascade",
  SetLinkOnline: "no_cascade",
  SetLinkOffline: "no_cascade",
  EnableSecureNAT: "no_securenat",
  DisableSecureNAT: "no_securenat",
  SetSecureNATOption: "no_securenat",
};

/**
 * Keeps the administrator of a hub from what the administrator of the server forbade it. Source: the calls of
 * `GetHubAdminOption` in `Cedar/Admin.c`.
 *
 * @throws {RpcError} notEnoughRights
 */
export function checkHubRestrictions(
  settings: ServerSettings,
  method: RpcName,
  request: Readonly<Record<string, unknown>>,
  { administrator }: Pick<Call, "administrator">,
): void {
  if (administrator.type === "server") return;
  const name = administrator.hubName.toLowerCase();
  const options = settings.hubs.find((hub) => hub.name.toLowerCase() === name)?.adminOptions;
  const option =
    method === "SetHubOnline" ? (request.Online === true ? "no_online" : "no_offline") : forbiddenBy[method];
  if (option !== undefined && options?.[option]) {
    throw new RpcError("notEnoughRights", `${option} of the hub forbids it`);
  }
}
