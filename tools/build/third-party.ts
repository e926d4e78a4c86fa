import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

const rule = "=".repeat(80);

/**
 * The notices that the licenses of the software inside the executable ask for: Node.js with all that it contains, and
 * the npm packages of the bundle.
 *
 * @param packages folders of the bundled packages, relative to the root
 * @throws Error when a package has no license text
 */
export async function thirdPartyNotices(
  root: string,
  packages: readonly string[],
  node: { readonly version: string; readonly license: string },
): Promise<string> {
  const parts = [
    "The vpnserver executables contain the software below, under the licenses printed with it.\n",
    `${rule}\nNode.js ${node.version}\n${rule}\n\n${node.license.trim()}\n`,
  ];
  for (const folder of packages) {
    const directory = join(root, folder);
    const info = JSON.parse(await readFile(join(directory, "package.json"), "utf8")) as PackageJson;
    const files = (await readdir(directory))
      .filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
      .sort();
    if (files.length === 0) {
      throw new Error(
        `${info.name} is bundled, but its package holds no license text: see to it that it may be`,
      );
    }
    const texts = await Promise.all(files.map((name) => readFile(join(directory, name), "utf8")));
    parts.push(
      `${rule}\n${info.name} ${info.version} (${info.license ?? "see below"})\n${rule}\n\n` +
        `${texts.map((text) => text.trim()).join("\n\n")}\n`,
    );
  }
  return parts.join("\n");
}
