/** The lower of the server's own bound and one that is configured, of which 0 is none. */
export function leastBound(own: number, configured: number): number {
  return configured === 0 ? own : Math.min(own, configured);
}
