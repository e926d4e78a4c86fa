/**
 * `pulumi-resource-command`, for machines that cannot have the official program: started by the engine with its own
 * address, it prints the port that it listens on and serves until the engine ends it.
 */
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { Provider } from "./provider.ts";

/** As much as the engine itself takes: a text asset travels as one message. */
const messageLimitBytes = 400 * 1024 * 1024;
const engineWatchIntervalMs = 5_000;

async function main(): Promise<void> {
  const { positionals } = parseArgs({
    allowPositionals: true,
    // Flags that the engine hands to every plugin; there is nothing here that they could change.
    options: { logtostderr: { type: "boolean" }, v: { type: "string" }, tracing: { type: "string" } },
    strict: false,
  });
  if (positionals.length > 1) throw new Error("one argument is expected: the address of the Pulumi engine");
  const [engineAddress] = positionals;

  const server = new grpc.Server({
    "grpc.max_receive_message_length": messageLimitBytes,
    "grpc.max_send_message_length": messageLimitBytes,
  });
  server.addService(providerServices.ResourceProviderService, new Provider(engineAddress).service());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  process.stdout.write(`${port}\n`);
  if (engineAddress !== undefined) endWithParent();
}

/** The engine ends its plugins. Should it be killed itself, nobody would. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, engineWatchIntervalMs).unref();
}

main().catch((error: unknown) => {
  process.stderr.write(
    `pulumi-resource-command: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
});
