import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../../..");

/**
 * A project of a user's with this package installed: as `npm install` of this checkout's folder makes it.
 *
 * @param directory that the project is made in, and goes with
 * @param source of `index.ts`
 */
export async function writeProgram(directory: string, source: string): Promise<string> {
  const project = await mkdtemp(join(directory, "program-"));
  await writeFile(join(project, "Pulumi.yaml"), "name: provisioned\nruntime: nodejs\n");
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module", main: "index.ts" }));
  await writeFile(join(project, "index.ts"), source);
  await mkdir(join(project, "node_modules"));
  await symlink(repository, join(project, "node_modules", "pulumi-vpnserver"));
  for (const name of ["@pulumi", "typescript", "@types"]) {
    await symlink(join(repository, "node_modules", name), join(project, "node_modules", name));
  }
  return project;
}
