import type { ListenerStatus } from "./listener-status.ts";
import type { Logger } from "./logger.ts";
import { loadOrCreateCertificate, type CertificatePaths } from "./transport/certificate.ts";
import { Connections } from "./transport/connections.ts";
import { anyAddress, Listener } from "./transport/listener.ts";
import type { RefusalCounts } from "./transport/refusals.ts";

/** From one look at the counts of refusals to the next. */
const refusalLogMs = 60_000;

export interface ServerOptions {
  readonly paths: CertificatePaths;
  readonly listeners: readonly { readonly port: number; readonly enabled: boolean }[];
  /** Address to listen on; every address of the host, IPv4 and IPv6, by default. */
  readonly bindAddress?: string;
  readonly log: Logger;
  /** Called with the states of all listeners after each change of one. */
  readonly onListenersChanged?: (listeners: readonly ListenerStatus[]) => void;
}

/** A running VPN server. */
export interface Server {
  listeners(): readonly ListenerStatus[];
  /** SHA-256 of the certificate, in upper-case hexadecimal with colons. */
  readonly certificateFingerprint: string;
  /** How often connections and requests were refused since the start, by reason. */
  refusals(): RefusalCounts;
  /** Ends every connection and frees every port. */
  close(): Promise<void>;
}

/**
 * Starts the VPN server: the one place where its parts are put together. Resolves after the first attempt to open every
 * listener; one that could not be opened shows state `Error` and is retried until it can.
 *
 * @throws {ServerError} STATE_INVALID when the certificate or key cannot be used
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log } = options;
  const certificate = await loadOrCreateCertificate(options.paths);
  const connections = new Connections(certificate);
  const listeners: Listener[] = [];
  const statuses = () => listeners.map((listener) => listener.status);
  for (const { port, enabled } of options.listeners) {
    listeners.push(
      new Listener({
        port,
        enabled,
        addresses: options.bindAddress === undefined ? anyAddress : [options.bindAddress],
        accept: (socket) => connections.accept(socket),
        onChange: () => options.onListenersChanged?.(statuses()),
        log,
      }),
    );
  }
  await Promise.all(listeners.map((listener) => listener.start()));
  const stopLoggingRefusals = logRefusals(connections, log);
  return {
    listeners: statuses,
    certificateFingerprint: certificate.fingerprint,
    refusals: () => connections.refusals(),
    close: async () => {
      stopLoggingRefusals();
      await Promise.all(listeners.map((listener) => listener.close()));
      await connections.close();
    },
  };
}

/** Logs what was refused, at most one line a minute however much it was. */
function logRefusals(connections: Connections, log: Logger): () => void {
  let logged = connections.refusals();
  const timer = setInterval(() => {
    const counts = connections.refusals();
    const news = (Object.keys(counts) as (keyof RefusalCounts)[]).filter(
      (reason) => counts[reason] > logged[reason],
    );
    if (news.length > 0) {
      log.info(
        `refused in the last minute: ${news.map((reason) => `${reason} ${counts[reason] - logged[reason]}`).join(", ")}`,
      );
    }
    logged = counts;
  }, refusalLogMs);
  timer.unref();
  return () => clearInterval(timer);
}
