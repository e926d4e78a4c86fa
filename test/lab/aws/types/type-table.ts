import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../../../../server/platform/atomic-file.ts";
import type { TypeTable } from "./property-types.ts";

const root = join(import.meta.dirname, "../../../..");
const packageFile = createRequire(import.meta.url).resolve("@pulumi/aws/package.json");
const files = ["type-table.ts", "type-reader.ts"].map((name) => join(import.meta.dirname, name));

/** The version of `@pulumi/aws` in package-lock.json. */
export async function awsVersion(): Promise<string> {
  return (JSON.parse(await readFile(packageFile, "utf8")) as { version: string }).version;
}

/**
 * The types of these resources and functions, read from the package's declarations. To parse those takes seconds, so the
 * table is kept beside the node modules that it was made of.
 */
export async function loadTypeTable(tokens: readonly string[]): Promise<TypeTable> {
  const hash = createHash("sha256").update(JSON.stringify([await awsVersion(), tokens]));
  for (const file of files) hash.update(await readFile(file));
  const name = `aws-types-${hash.digest("hex").slice(0, 16)}.json`;
  const path = join(root, "node_modules", ".cache", "pulumi-vpnserver", name);
  if (existsSync(path)) return JSON.parse(await readFile(path, "utf8")) as TypeTable;
  const { readTypes } = await import("./type-reader.ts");
  const table = readTypes(dirname(packageFile), tokens);
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomically(path, JSON.stringify(table), { mode: 0o644 });
  return table;
}
