import { cp, mkdir, mkdtemp, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../../lab/host.ts";
import type { Lab } from "../../lab/lab.ts";
import { Stack, type StackOptions } from "./stack.ts";

const repository = join(import.meta.dirname, "../../..");

/** What a user sets by `pulumi config set` and `pulumi config set --secret`, by keys of the example or `namespace:key`. */
export interface ExampleOptions extends Omit<StackOptions, "program"> {
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * A stack of an example of `examples/`, as it stands: copied to a folder of the lab, with this package installed as `npm install` of the
 * checkout's folder does it.
 */
export async function exampleStack(
  name: string,
  { config, secrets, ...options }: ExampleOptions,
): Promise<Stack> {
  const named = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key.includes(":") ? key : `${name}:${key}`, value]),
    );
  const program = await copyExample(name, options.lab);
  return await Stack.create({ ...options, program, config: named(config), secrets: named(secrets) });
}

/** How examples with one host are told about it. */
export function configOf(host: Host, more: Readonly<Record<string, unknown>> = {}) {
  return {
    config: { host: host.address, hostKey: host.ssh.hostKey, ...more },
    secrets: { privateKey: host.ssh.privateKey, alicePassword: "correct horse battery staple" },
  };
}

async function copyExample(name: string, lab: Lab): Promise<string> {
  const program = await mkdtemp(join(lab.directory, `${name}-`));
  const source = join(repository, "examples", name);
  for (const entry of await readdir(source)) {
    // What somebody has installed and configured there is not the example.
    if (/^(node_modules|package-lock\.json|Pulumi\..+\.yaml|sdks|venv|__pycache__)$/.test(entry)) continue;
    await cp(join(source, entry), join(program, entry), { recursive: true });
  }
  await mkdir(join(program, "node_modules"));
  await symlink(repository, join(program, "node_modules", "pulumi-vpnserver"));
  for (const dependency of ["@pulumi", "typescript", "@types"]) {
    await symlink(join(repository, "node_modules", dependency), join(program, "node_modules", dependency));
  }
  return program;
}
