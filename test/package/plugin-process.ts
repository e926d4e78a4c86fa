import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { credentials } from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";

/** What the tests look at in a Pulumi package schema. */
export interface Schema {
  readonly name: string;
  readonly version: string;
  readonly resources: Readonly<Record<string, { isComponent: boolean; requiredInputs: string[] }>>;
  readonly types: Readonly<
    Record<
      string,
      {
        readonly properties?: Readonly<Record<string, { readonly secret?: boolean }>>;
        readonly enum?: readonly { readonly value: string }[];
      }
    >
  >;
}

/** Starts a plugin as the engine does, asks it for its schema and ends it. */
export async function schemaOf(folder: string, [command, ...args]: readonly string[]): Promise<Schema> {
  assert.ok(command);
  const plugin = spawn(command, [...args, "127.0.0.1:1"], {
    cwd: folder,
    env: { ...process.env, PATH: [...nodeFolders(folder), process.env["PATH"]].join(":") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(plugin, "close");
  try {
    for await (const line of createInterface(plugin.stdout)) {
      assert.match(line, /^\d+$/, "the first line of a plugin is its port");
      return JSON.parse(await requestSchema(Number(line))) as Schema;
    }
    throw new Error(`the plugin ended: ${JSON.stringify(await ended)}`);
  } finally {
    plugin.kill("SIGKILL");
    await ended;
  }
}

/** With the project's own Node.js, if it has one, first. */
function nodeFolders(folder: string): string[] {
  return [join(folder, "node_modules", ".bin"), dirname(process.execPath)];
}

function requestSchema(port: number): Promise<string> {
  const client = new provider.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise<string>((resolve, reject) => {
    client.getSchema(new messages.GetSchemaRequest(), (error, response) => {
      if (error) reject(error);
      else resolve(response.getSchema());
    });
  }).finally(() => client.close());
}
