import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A script in place of a program of Pulumi's. */
export async function placeScript(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}

/** An engine that tells a version, and counts in a file beside it how often it was asked. */
export function placeEngine(folder: string, version: string): Promise<void> {
  return placeScript(join(folder, "pulumi"), `echo asked >> '${join(folder, "asked")}'; echo v${version}`);
}

/** A plugin that speaks gRPC as Pulumi's do. */
export async function placePlugin(
  path: string,
  service: "language" | "provider",
  version: string,
): Promise<void> {
  const client = service === "language" ? "LanguageRuntimeService" : "ResourceProviderService";
  const program = `
    import { createRequire } from "node:module";
    const require = createRequire(${JSON.stringify(import.meta.filename)});
    const grpc = require("@grpc/grpc-js");
    const { ${client}: service } = require("@pulumi/pulumi/proto/${service}_grpc_pb.js");
    const { PluginInfo } = require("@pulumi/pulumi/proto/plugin_pb.js");
    const server = new grpc.Server();
    server.addService(service, {
      getPluginInfo: (call, done) => {
        const info = new PluginInfo();
        info.setVersion(${JSON.stringify(version)});
        done(null, info);
      },
    });
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => console.log(port));
  `;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.mjs`, program);
  await placeScript(path, `exec '${process.execPath}' '${path}.mjs' "$@"`);
}
