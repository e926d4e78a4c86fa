import grpc from "@grpc/grpc-js";

/** As much as the engine itself takes: a text asset travels as one message. */
export const messageLimitBytes = 400 * 1024 * 1024;
const engineWatchIntervalMs = 5_000;

/**
 * Serves what the engine calls, and tells it the port in the way of Pulumi's plugins: as the first line of the output.
 *
 * @param onEngineGone called when the engine that started this process has ended without ending it
 */
export async function servePlugin(
  service: grpc.ServiceDefinition,
  implementation: grpc.UntypedServiceImplementation,
  onEngineGone?: () => void,
): Promise<void> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": messageLimitBytes,
    "grpc.max_send_message_length": messageLimitBytes,
  });
  server.addService(service, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  process.stdout.write(`${port}\n`);
  if (onEngineGone !== undefined) watchParent(onEngineGone);
}

/** The engine ends its plugins. Should it be killed itself, nobody would. */
function watchParent(onGone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, engineWatchIntervalMs).unref();
}
