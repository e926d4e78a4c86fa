/**
 * How long the lab takes for a second of what AWS waits for by itself: between health checks, and for connections to end.
 * Deadlines of programs, and the time that instances have to boot, are not touched by it.
 */
export const labSecondMs = 200;
