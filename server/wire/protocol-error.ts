import { Pack } from "./pack.ts";

/** Numbers of the `error` element that tell a client why it was refused, with the names of `Cedar/Cedar.h` (ERR_…). */
export const protocolErrors = {
  /** CONNECT_FAILED */
  connectFailed: 1,
  /** SERVER_IS_NOT_VPN */
  notVpnServer: 2,
  /** DISCONNECTED */
  disconnected: 3,
  /** The request does not follow the protocol (PROTOCOL_ERROR). */
  protocol: 4,
  /** USER_CANCEL */
  cancelled: 6,
  /** AUTHTYPE_NOT_SUPPORTED */
  authenticationNotSupported: 7,
  /** HUB_NOT_FOUND */
  hubNotFound: 8,
  /** Wrong user or wrong proof (AUTH_FAILED). */
  authenticationFailed: 9,
  /** The hub is offline (HUB_STOPPING). */
  hubStopped: 10,
  /** An administrator ended the session (SESSION_REMOVED). */
  sessionRemoved: 11,
  /** The account has expired or may not log in (ACCESS_DENIED). */
  accessDenied: 12,
  /** No session has this key, any more or at all (SESSION_TIMEOUT): the client logs in anew. */
  sessionTimeout: 13,
  /** INVALID_PROTOCOL */
  invalidProtocol: 14,
  /** The session has all its connections (TOO_MANY_CONNECTION): the client keeps the session. */
  tooManyConnections: 15,
  /** The hub or the server has all its sessions (HUB_IS_BUSY). */
  hubBusy: 16,
  /** The user has all its sessions (TOO_MANY_USER_SESSION). */
  tooManyUserSessions: 20,
  /** LICENSE_ERROR */
  license: 21,
  /** DEVICE_DRIVER_ERROR */
  deviceDriver: 22,
  /** INTERNAL_ERROR */
  internal: 23,
  /** OBJECT_NOT_FOUND */
  notFound: 29,
  /** The server does not do what was asked (NOT_SUPPORTED). */
  notSupported: 33,
  /** INVALID_PARAMETER */
  invalidParameter: 38,
  /** The server does not lead a cluster (NOT_FARM_CONTROLLER). */
  notFarmController: 46,
  /** An empty password is taken from the server's own host alone (NULL_PASSWORD_LOCAL_ONLY). */
  emptyPasswordLocalOnly: 51,
  /** NOT_ENOUGH_RIGHT */
  notEnoughRights: 52,
  /** LISTENER_NOT_FOUND */
  listenerNotFound: 53,
  /** LISTENER_ALREADY_EXISTS */
  listenerExists: 54,
  /** NOT_FARM_MEMBER */
  notFarmMember: 55,
  /** HUB_ALREADY_EXISTS */
  hubExists: 57,
  /** TOO_MANY_HUBS */
  tooManyHubs: 58,
  /** LINK_ALREADY_EXISTS */
  linkExists: 59,
  /** LINK_CANT_CREATE_ON_FARM */
  linkNotOnFarm: 60,
  /** LINK_IS_OFFLINE */
  linkOffline: 61,
  /** TOO_MANY_ACCESS_LIST */
  tooManyAccessRules: 62,
  /** TOO_MANY_USER */
  tooManyUsers: 63,
  /** TOO_MANY_GROUP */
  tooManyGroups: 64,
  /** GROUP_NOT_FOUND */
  groupNotFound: 65,
  /** USER_ALREADY_EXISTS */
  userExists: 66,
  /** GROUP_ALREADY_EXISTS */
  groupExists: 67,
  /** The user has no password to change (USER_AUTHTYPE_NOT_PASSWORD). */
  userHasNoPassword: 68,
  /** Wrong old password, or no such user (OLD_PASSWORD_WRONG). */
  oldPasswordWrong: 69,
  /** LINK_CANT_DISCONNECT */
  linkCannotDisconnect: 73,
  /** OFFLINE */
  offline: 76,
  /** The certificate is not of the kind that the protocol can use (NOT_RSA_1024). */
  certificateNotRsa: 77,
  /** SNAT_CANT_DISCONNECT */
  secureNatCannotDisconnect: 78,
  /** SNAT_NOT_RUNNING */
  secureNatNotRunning: 80,
  /** BRIDGE_CANT_DISCONNECT */
  bridgeCannotDisconnect: 82,
  /** LOCAL_BRIDGE_UNSUPPORTED */
  bridgeNotSupported: 84,
  /** The client is older than the hub allows (VERSION_INVALID). */
  versionInvalid: 87,
  /** LAYER3_CANT_DISCONNECT */
  layer3CannotDisconnect: 91,
  /** LAYER3_SW_EXISTS */
  layer3SwitchExists: 92,
  /** LAYER3_SW_NOT_FOUND */
  layer3SwitchNotFound: 93,
  /** LAYER3_IF_ADD_FAILED */
  layer3InterfaceNotAdded: 95,
  /** LAYER3_IF_DEL_FAILED */
  layer3InterfaceNotDeleted: 96,
  /** LAYER3_IF_EXISTS */
  layer3InterfaceExists: 97,
  /** LAYER3_TABLE_ADD_FAILED */
  layer3RouteNotAdded: 98,
  /** LAYER3_TABLE_DEL_FAILED */
  layer3RouteNotDeleted: 99,
  /** LAYER3_CANT_START_SWITCH */
  layer3CannotStart: 102,
  /** The server is shutting down (SERVER_CANT_ACCEPT). */
  serverCannotAccept: 105,
  /** The user may not open a monitoring session (MONITOR_MODE_DENIED). */
  monitorModeDenied: 107,
  /** The user may neither bridge nor route (BRIDGE_MODE_DENIED). */
  bridgeModeDenied: 108,
  /** The hub takes no clients from this address (IP_ADDRESS_DENIED). */
  addressDenied: 109,
  /** TOO_MANT_ITEMS */
  tooManyItems: 110,
  /** MEMORY_NOT_ENOUGH */
  memoryNotEnough: 111,
  /** OBJECT_EXISTS */
  exists: 112,
  /** BAD_COMMAND_OR_PARAM */
  badCommand: 117,
  /** The session reached its longest duration (AUTO_DISCONNECTED). */
  autoDisconnected: 126,
  /** The hub takes clients with another id only (CLIENT_ID_REQUIRED). */
  clientIdRequired: 127,
  /** TOO_MANY_USERS_CREATED */
  tooManyUsersCreated: 128,
  /** SPECIAL_LISTENER_ICMP_ERROR */
  icmpListenerNotOpened: 140,
  /** SPECIAL_LISTENER_DNS_ERROR */
  dnsListenerNotOpened: 141,
  /** OPENVPN_IS_NOT_ENABLED */
  openVpnNotEnabled: 142,
  /** NOT_SUPPORTED_AUTH_ON_OPENSOURCE */
  authenticationNotInOpenSource: 143,
  /** NOT_SUPPORTED_FUNCTION_ON_OPENSOURCE */
  notInOpenSource: 147,
} as const;

export type ProtocolError = keyof typeof protocolErrors;

/** The name of an error's number; undefined for one that is not known. */
export function nameOfProtocolError(number: number): ProtocolError | undefined {
  return (Object.keys(protocolErrors) as ProtocolError[]).find((name) => protocolErrors[name] === number);
}

/** What a client learns with the error of its login. */
export interface ErrorDetails {
  /** The user's policy forbids the client to keep the password. */
  readonly noSavePassword: boolean;
}

/** The PACK that carries an error to the client. */
export function errorPack(error: ProtocolError, details?: ErrorDetails): Pack {
  const pack = new Pack().addInt("error", protocolErrors[error]);
  return details === undefined ? pack : pack.addBool("no_save_password", details.noSavePassword);
}
