/** How much of what an administrator may make (`Cedar/Cedar.h` MAX_USERS and its like). */
export const accountLimits = {
  hubs: 4096,
  usersPerHub: 10_000,
  groupsPerHub: 10_000,
  accessRules: 32_768,
  trustedAuthorities: 4096,
  /** Characters of names; of real names and notes. */
  nameCharacters: 255,
  textCharacters: 1024,
  /** Bytes of the message of a hub. */
  messageBytes: 20_000,
} as const;
