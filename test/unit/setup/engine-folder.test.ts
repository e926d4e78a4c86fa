import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { provideEngineFolder, type EngineOptions } from "../../../tools/setup/engine-folder.ts";
import { ProgramVersions } from "../../../tools/setup/program-version.ts";
import { builtLanguageHostVersion, engineVersion } from "../../../tools/setup/versions.ts";
import { placeEngine, placePlugin, placeScript } from "./programs.ts";

describe("provideEngineFolder", () => {
  let directory: string;
  let options: EngineOptions;
  let downloads: number;
  let built: string[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "engine-folder-"));
    downloads = 0;
    built = [];
    const cacheDirectory = join(directory, "cache");
    options = {
      wanted: ["pulumi", "pulumi-language-nodejs"],
      cacheDirectory,
      environment: { PATH: `${join(directory, "bin")}:/usr/bin:/bin`, HOME: join(directory, "home") },
      versions: new ProgramVersions(cacheDirectory),
      log: () => {},
      download: () => {
        downloads++;
        return Promise.reject(new Error("no way out of here"));
      },
      build: async (_command, output) => {
        built.push(basename(output));
        await placeScript(output, `echo built`);
      },
    };
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function install(folder: string, version: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await placeEngine(folder, version);
    await placeScript(join(folder, "pulumi-language-nodejs"), "exit 1");
    await placeScript(join(folder, "pulumi-resource-pulumi-nodejs"), "exit 1");
  }

  const readProgram = (folder: string, name: string) => readFile(join(folder, name), "utf8");

  test("uses an installation of the right version as it is, through links", async () => {
    await install(join(directory, "opt"), engineVersion);
    await mkdir(join(directory, "bin"));
    await symlink(join(directory, "opt/pulumi"), join(directory, "bin/pulumi"));
    assert.equal((await provideEngineFolder(options)).directory, join(directory, "opt"));
    assert.deepEqual([downloads, built], [0, []]);
  });

  test("uses the installation of Pulumi's own installer in the home folder", async () => {
    await install(join(directory, "home/.pulumi/bin"), engineVersion);
    assert.equal((await provideEngineFolder(options)).directory, join(directory, "home/.pulumi/bin"));
  });

  test("builds what is missing where neither installation nor download can be had, and only once", async () => {
    await install(join(directory, "bin"), "3.100.0");
    const folder = await provideEngineFolder(options);
    assert.deepEqual([downloads, built], [1, ["pulumi", "pulumi-language-nodejs"]]);
    assert.match(await readProgram(folder.directory, "pulumi"), /built/);
    assert.match(await readProgram(folder.directory, "pulumi-resource-pulumi-nodejs"), /dynamic-provider/);
    assert.match(
      folder.description,
      new RegExp(`pulumi-language-nodejs ${builtLanguageHostVersion} \\(built\\)`),
    );
    await provideEngineFolder(options);
    assert.deepEqual([downloads, built.length], [1, 2]);
  });

  test("builds one more program later, and keeps the others", async () => {
    await provideEngineFolder(options);
    await provideEngineFolder({
      ...options,
      wanted: ["pulumi", "pulumi-language-nodejs", "pulumi-language-yaml"],
    });
    assert.deepEqual(built, ["pulumi", "pulumi-language-nodejs", "pulumi-language-yaml"]);
  });

  test("builds again what was damaged", async () => {
    const { directory: folder } = await provideEngineFolder(options);
    await writeFile(join(folder, "pulumi"), "half of it");
    await provideEngineFolder(options);
    assert.deepEqual(built, ["pulumi", "pulumi-language-nodejs", "pulumi"]);
  });

  test("takes everything from the download, in the archive's folder", async () => {
    const download: EngineOptions["download"] = async (_release, target) => {
      await placeScript(join(target, "pulumi/pulumi"), "echo downloaded");
      await placeScript(join(target, "pulumi/pulumi-language-nodejs"), "echo downloaded");
      await placeScript(join(target, "pulumi/pulumi-language-yaml"), "echo downloaded");
    };
    const folder = await provideEngineFolder({ ...options, download });
    assert.match(await readProgram(folder.directory, "pulumi"), /downloaded/);
    assert.match(folder.description, new RegExp(`pulumi-language-nodejs ${engineVersion} \\(downloaded\\)`));
    assert.deepEqual(built, []);
    await provideEngineFolder({ ...options, wanted: [...options.wanted, "pulumi-language-yaml"] });
    assert.deepEqual([downloads, built], [0, []]);
  });

  test("copies a single program of the right version from PATH, and gets the others", async () => {
    await placePlugin(join(directory, "bin/pulumi-language-nodejs"), "language", engineVersion);
    const folder = await provideEngineFolder(options);
    assert.deepEqual(built, ["pulumi"]);
    assert.match(folder.description, new RegExp(`pulumi-language-nodejs ${engineVersion} \\(copied\\)`));
  });

  test("names what failed, each way that was tried, and the way out", async () => {
    const build = () => Promise.reject(new Error("Go is not installed"));
    await assert.rejects(provideEngineFolder({ ...options, build }), (error: Error) => {
      assert.match(error.message, new RegExp(`^pulumi ${engineVersion} is not on PATH`));
      assert.match(error.message, /no way out of here/);
      assert.match(error.message, /Go is not installed/);
      assert.match(error.message, /Way out: install Pulumi/);
      return true;
    });
    // What failed is tried again.
    await provideEngineFolder(options);
    assert.deepEqual(built, ["pulumi", "pulumi-language-nodejs"]);
  });

  test("builds once when two begin at the same time", async () => {
    const folders = await Promise.all([provideEngineFolder(options), provideEngineFolder(options)]);
    assert.equal(folders[0].directory, folders[1].directory);
    assert.equal(folders[0].description, folders[1].description);
    assert.deepEqual(built, ["pulumi", "pulumi-language-nodejs"]);
  });
});
