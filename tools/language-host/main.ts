/**
 * `pulumi-language-nodejs`, for machines that cannot have the official program: started by the engine with its own
 * address, it prints the port that it listens on and runs programs in Node.js until the engine ends it.
 */
import { parseArgs } from "node:util";
import languageServices from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { servePlugin } from "../plugin/serve.ts";
import { LanguageHost } from "./language-host.ts";
import { standInVersion } from "./version.ts";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      version: { type: "boolean" },
      runtime: { type: "string", default: "nodejs" },
      tracing: { type: "string" },
      // Flags that the engine hands to every plugin; there is nothing here that they could change.
      logtostderr: { type: "boolean" },
      v: { type: "string" },
    },
    strict: false,
  });
  if (values.version === true) {
    console.log(standInVersion);
    return;
  }
  if (values.runtime !== "nodejs") throw new Error(`unsupported runtime: ${String(values.runtime)}`);
  if (positionals.length > 1) throw new Error("one argument is expected: the address of the Pulumi engine");
  const [engineAddress] = positionals;

  const host = new LanguageHost({
    engineAddress,
    ...(typeof values.tracing === "string" && { tracing: values.tracing }),
    environment: programEnvironment(),
    onStdout: (chunk) => void process.stdout.write(chunk),
    onStderr: (chunk) => void process.stderr.write(chunk),
  });
  const end = () => void host.stop().then(() => process.exit(0));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  // Without an engine that reads it, output is lost; the programs must be ended all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  await servePlugin(
    languageServices.LanguageRuntimeService,
    host.service(),
    engineAddress === undefined ? undefined : end,
  );
}

/** The launcher keeps Node's options from this process: they are for the programs. */
function programEnvironment(): NodeJS.ProcessEnv {
  const { PROGRAM_NODE_OPTIONS: nodeOptions, ...environment } = process.env;
  return { ...environment, ...(nodeOptions !== undefined && { NODE_OPTIONS: nodeOptions }) };
}

main().catch((error: unknown) => {
  process.stderr.write(`pulumi-language-nodejs: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
