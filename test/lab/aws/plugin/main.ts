/**
 * `pulumi-resource-aws` of the test lab: the engine's calls become requests to the lab's AWS. It keeps the contract of
 * `@pulumi/aws` as far as programs of the tests need it, and refuses all else.
 */
import { parseArgs } from "node:util";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { servePlugin } from "../../../../tools/plugin/serve.ts";
import { awsVersion } from "../types/type-table.ts";
import { socketVariable } from "./launcher.ts";
import { AwsProvider } from "./provider.ts";

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true, strict: false });
  const socket = process.env[socketVariable];
  if (!socket) {
    throw new Error(`this is no way to AWS, but the stand-in of a test lab, which sets ${socketVariable}`);
  }
  const provider = await AwsProvider.create(socket, await awsVersion());
  const [engineAddress] = positionals;
  const onEngineGone = engineAddress === undefined ? undefined : () => process.exit(0);
  await servePlugin(providerServices.ResourceProviderService, provider.service(), onEngineGone);
}

main().catch((error: unknown) => {
  process.stderr.write(`pulumi-resource-aws: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
