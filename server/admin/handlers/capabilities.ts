import { sessionLimits, tcpNatLimits } from "../../limits.ts";
import { accountLimits } from "./account-limits.ts";

/**
 * What this server can do, by the names of the official one (`Cedar/Server.c` InitServerCapsEx); what is not there is 0. A
 * program of the official server offers what is here, and hides the rest.
 */
export const capabilities: Readonly<Record<string, number>> = {
  i_max_packet_size: 1600,
  i_max_hubs: accountLimits.hubs,
  i_max_sessions: sessionLimits.sessions,
  i_max_user_creation: 0xffff_ffff,
  i_max_clients: 0xffff_ffff,
  i_max_bridges: 0xffff_ffff,
  i_max_users_per_hub: accountLimits.usersPerHub,
  i_max_groups_per_hub: accountLimits.groupsPerHub,
  i_max_access_lists: accountLimits.accessRules,
  b_support_limit_multilogin: 1,
  b_support_qos: 1,
  i_max_mac_tables: 65_536,
  i_max_ip_tables: 65_536,
  b_standalone: 1,
  b_support_config_hub: 1,
  b_vpn_client_connect: 1,
  // What the host allows; see GetCaps.
  b_local_bridge: 0,
  b_must_install_pcap: 0,
  b_tap_supported: 0,
  b_support_config_log: 1,
  b_support_config_rw: 1,
  b_support_hide_hub: 1,
  b_is_softether: 1,
  b_support_read_log: 1,
  b_support_check_mac: 1,
  b_support_check_tcp_state: 1,
  b_support_vlan: 1,
  b_support_hub_ext_options: 1,
  b_support_policy_ver_3: 1,
  b_support_ipv6_acl: 1,
  b_support_ex_acl: 1,
  b_support_redirect_url_acl: 1,
  b_support_acl_group: 1,
  b_support_msg: 1,
  b_support_ac: 1,
  b_support_ipv6_ac: 1,
  b_support_crl: 1,
  b_support_hub_admin_option: 1,
  b_support_syslog: 1,
  b_support_securenat: 1,
  b_suppport_push_route: 1,
  b_suppport_push_route_config: 1,
  i_max_secnat_tables: tcpNatLimits.connections,
  b_vpn4: 1,
};
