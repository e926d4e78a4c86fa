import type { OutsideTcp, OutsideTcpEvents } from "../secure-nat/outside.ts";

/** Opens a connection to one of the ends; what comes of it is told later. */
export type Connect = (events: OutsideTcpEvents) => OutsideTcp;

/**
 * A connection to the first of several ends that takes it: the next one is tried when one has failed, or has not answered in time. The
 * last one is waited for as long as the system does.
 *
 * @param ends at least one
 * @param waitMs how long one end is waited for until the next is tried
 */
export function firstConnection(
  ends: readonly Connect[],
  events: OutsideTcpEvents,
  waitMs: number,
): OutsideTcp {
  let current: OutsideTcp;
  let timer: NodeJS.Timeout | undefined;
  const attempt = (index: number): void => {
    const connect = ends[index];
    const isLast = index === ends.length - 1;
    const next = () => {
      clearTimeout(timer);
      attempt(index + 1);
    };
    let isConnected = false;
    const tried = connect?.({
      ...events,
      connected: () => {
        clearTimeout(timer);
        isConnected = true;
        events.connected();
      },
      failed: (error) => {
        if (isConnected || isLast) events.failed(error);
        else next();
      },
    });
    if (tried === undefined) return;
    current = tried;
    if (isLast) return;
    timer = setTimeout(() => {
      tried.destroy();
      next();
    }, waitMs);
  };
  attempt(0);
  return {
    write: (bytes, done) => current.write(bytes, done),
    end: () => current.end(),
    destroy: () => {
      clearTimeout(timer);
      current.destroy();
    },
    pause: () => current.pause(),
    resume: () => current.resume(),
  };
}
