export interface ListenerSettings {
  readonly port: number;
  readonly enabled: boolean;
}

/** Why there cannot be these listeners; undefined when there can. */
export function problemOfPorts(listeners: readonly ListenerSettings[]): string | undefined {
  const seen = new Set<number>();
  for (const { port } of listeners) {
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      return `the listener's port ${port} is not between 1 and 65535`;
    }
    if (seen.has(port)) return `two listeners have port ${port}`;
    seen.add(port);
  }
  return undefined;
}
