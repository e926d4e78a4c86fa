/** Where Debian's package keeps the state, and the end of its program's path. */
export const packaged = {
  folder: "/var/lib/softether",
  executable: "/softether/vpnserver/vpnserver",
} as const;

/** The official server gives itself 90 s to end (`Mayaqua/Unix.h` UNIX_SERVICE_STOP_TIMEOUT_2); this is a little more. */
export const stopMs = 100_000;
export const startMs = 60_000;
