/**
 * What the administrator of the server can hold the administrator of a hub, and the hub with it, to. 0 is no limit, and 1 forbids
 * or allows what the name says. Source: `Cedar/Hub.c` admin_options.
 */
export const adminOptionNames = [
  "allow_hub_admin_change_option",
  "deny_bridge",
  "deny_change_user_password",
  "deny_empty_password",
  "deny_hub_admin_change_ext_option",
  "deny_qos",
  "deny_routing",
  "max_accesslists",
  "max_bitrates_download",
  "max_bitrates_upload",
  "max_groups",
  "max_multilogins_per_user",
  "max_sessions",
  "max_sessions_bridge",
  "max_sessions_client",
  "max_sessions_client_bridge_apply",
  "max_users",
  "no_access_list_include_file",
  "no_cascade",
  "no_change_access_control_list",
  "no_change_access_list",
  "no_change_admin_password",
  "no_change_cert_list",
  "no_change_crl_list",
  "no_change_groups",
  "no_change_log_config",
  "no_change_log_switch_type",
  "no_change_msg",
  "no_change_users",
  "no_delay_jitter_packet_loss",
  "no_delete_iptable",
  "no_delete_mactable",
  "no_disconnect_session",
  "no_enum_session",
  "no_offline",
  "no_online",
  "no_query_session",
  "no_read_log_file",
  "no_securenat",
  "no_securenat_enabledhcp",
  "no_securenat_enablenat",
] as const;

export type AdminOption = (typeof adminOptionNames)[number];

/** Those that are not 0. */
export type AdminOptions = Readonly<Partial<Record<AdminOption, number>>>;
