/** What clients were refused since the beginning, because there was too much of it. */
export interface NatRefusals {
  /** Connections of TCP, or of all protocols where the kernel translates; those that ended to make room among them. */
  readonly connections: number;
  /** Packets of UDP from ports that would have been too many. */
  readonly udpPackets: number;
  /** Questions for names. */
  readonly questions: number;
  readonly pings: number;
}

/** What the system, or the pool of sockets, fails with where there is no room for another socket. */
const exhaustions: readonly unknown[] = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EAGAIN"];

/** Whether a socket failed because there were too many, and not because of its other end. */
export function isExhaustion(error: Error): boolean {
  return exhaustions.includes((error as NodeJS.ErrnoException).code);
}
