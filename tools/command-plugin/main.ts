/**
 * `pulumi-resource-command`, for machines that cannot have the official program: started by the engine with its own
 * address, it prints the port that it listens on and serves until the engine ends it.
 */
import { parseArgs } from "node:util";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { servePlugin } from "../plugin/serve.ts";
import { Provider } from "./provider.ts";

async function main(): Promise<void> {
  const { positionals } = parseArgs({
    allowPositionals: true,
    // Flags that the engine hands to every plugin; there is nothing here that they could change.
    options: { logtostderr: { type: "boolean" }, v: { type: "string" }, tracing: { type: "string" } },
    strict: false,
  });
  if (positionals.length > 1) throw new Error("one argument is expected: the address of the Pulumi engine");
  const [engineAddress] = positionals;
  await servePlugin(
    providerServices.ResourceProviderService,
    new Provider(engineAddress).service(),
    engineAddress === undefined ? undefined : () => process.exit(0),
  );
}

main().catch((error: unknown) => {
  process.stderr.write(
    `pulumi-resource-command: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
});
