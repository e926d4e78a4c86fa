/** How much of what an administrator may make (`Cedar/Cedar.h` MAX_USERS and its like). */
export const accountLimits = {
  hubs: 4096,
  usersPerHub: 10_000,
  groupsPerHub: 10_000,
  accessRules: 32_768,
  trustedAuthorities: 4096,
  revokedCertificates: 4096,
  sourceAddresses: 4096,
  /** Bytes of the message of a hub. */
  messageBytes: 20_000,
} as const;

/** The lower of a limit of the server and one that a hub is held to, of which 0 is none. */
export function lowerLimit(limit: number, ofHub: number | undefined): number {
  return ofHub ? Math.min(limit, ofHub) : limit;
}
