/**
 * How long the lab takes for a second of what AWS waits for by itself: between health checks, for connections to end, before an
 * instance is judged. Deadlines of programs are not touched by it.
 */
export const labSecondMs = 200;
