import { spawn } from "node:child_process";
import { once } from "node:events";
import grpc from "@grpc/grpc-js";
import languageServices from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";

/**
 * Resolves to the version that a plugin tells the engine. It is started the way the engine does: it prints its port and
 * answers there.
 *
 * @throws Error when it does neither within `timeoutMs`
 */
export async function askPluginVersion(
  path: string,
  kind: "language" | "resource",
  timeoutMs: number,
): Promise<string> {
  // Nobody listens at the engine's address: the plugin would end by itself later, and is ended here before that.
  const child = spawn(path, ["127.0.0.1:1"], { cwd: "/", stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  ended.catch(() => undefined);
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  try {
    let text = "";
    for await (const chunk of child.stdout) {
      text += (chunk as Buffer).toString();
      if (text.includes("\n") || text.length > 1_000) break;
    }
    const port = /^(\d{1,5})\s/.exec(text)?.[1];
    if (port === undefined) throw new Error(`${path} tells no port`);
    return await getPluginInfo(port, kind, timeoutMs);
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    await ended.catch(() => undefined);
  }
}

function getPluginInfo(port: string, kind: "language" | "resource", timeoutMs: number): Promise<string> {
  const Client =
    kind === "language" ? languageServices.LanguageRuntimeClient : providerServices.ResourceProviderClient;
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  return new Promise<string>((resolve, reject) => {
    client.getPluginInfo(
      new emptyMessages.Empty(),
      new grpc.Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error: grpc.ServiceError | null, info: pluginMessages.PluginInfo) => {
        if (error) reject(error);
        else resolve(info.getVersion());
      },
    );
  }).finally(() => client.close());
}
