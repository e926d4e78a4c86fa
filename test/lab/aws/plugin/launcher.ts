import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quoteForShell } from "../../../../tools/setup/shell-word.ts";
import { awsVersion } from "../types/type-table.ts";

/** Leads the plugin to the socket of the lab's AWS. */
export const socketVariable = "VPNSERVER_LAB_AWS_SOCKET";

const root = join(import.meta.dirname, "../../../..");

/** Puts the plugin into a home of Pulumi's, where the engine looks for it. */
export async function installPlugin(pulumiHome: string): Promise<void> {
  const directory = join(pulumiHome, "plugins", `resource-aws-v${await awsVersion()}`);
  await mkdir(directory, { recursive: true });
  const node = join(root, "node_modules", ".bin", "node");
  const words = [node, join(import.meta.dirname, "main.ts")].map(quoteForShell).join(" ");
  await writeFile(join(directory, "pulumi-resource-aws"), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
}
