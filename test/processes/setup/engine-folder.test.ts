import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { provideEngineFolder, type EngineOptions } from "../../../tools/setup/engine-folder.ts";
import type { LanguageHostStandIn } from "../../../tools/setup/language-host.ts";
import { ProgramVersions } from "../../../tools/setup/program-version.ts";
import { engineVersion } from "../../../tools/setup/versions.ts";
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
      build: async ({ companion }, output) => {
        built.push(basename(output));
        await placeScript(output, `echo built`);
        if (companion) await placeScript(join(output, "..", basename(companion.path)), "echo companion");
      },
      standIn: standInOf("0123456789abcdef"),
    };
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** A stand-in that says how it was started. */
  function standInOf(fingerprint: string): LanguageHostStandIn {
    const program = `console.log("stand-in ${fingerprint}", ...process.argv.slice(2), process.env.NODE_OPTIONS)`;
    return { fingerprint, bundle: () => Promise.resolve(Buffer.from(program)) };
  }

  async function install(folder: string, version: string, languageHostVersion = version): Promise<void> {
    await mkdir(folder, { recursive: true });
    await placeEngine(folder, version);
    await placePlugin(join(folder, "pulumi-language-nodejs"), "language", languageHostVersion);
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

  test("does not use an installation whose language host is not the engine's, such as an earlier set-up's", async () => {
    await install(join(directory, "bin"), engineVersion, "3.68.0");
    const folder = await provideEngineFolder(options);
    assert.notEqual(folder.directory, join(directory, "bin"));
    assert.equal(folder.languageHost.kind, "stand-in");
    assert.match(folder.description, new RegExp(`^pulumi ${engineVersion} \\(copied\\)`));
  });

  test("builds what is missing where neither installation nor download can be had, and only once", async () => {
    await install(join(directory, "bin"), "3.100.0");
    const folder = await provideEngineFolder(options);
    assert.deepEqual([downloads, built], [1, ["pulumi"]]);
    assert.match(await readProgram(folder.directory, "pulumi"), /built/);
    assert.match(await readProgram(folder.directory, "pulumi-resource-pulumi-nodejs"), /dynamic-provider/);
    assert.equal(folder.description, `pulumi ${engineVersion} (built)`);
    await provideEngineFolder(options);
    assert.deepEqual([downloads, built.length], [1, 1]);
  });

  test("takes the stand-in of the language host, with the reason, also the next time", async () => {
    for (let time = 0; time < 2; time++) {
      const folder = await provideEngineFolder(options);
      assert.equal(folder.languageHost.kind, "stand-in");
      assert.match(folder.languageHost.description, /stand-in of this repository.*no way out of here/);
      assert.deepEqual(
        execFileSync(join(folder.directory, "pulumi-language-nodejs"), ["127.0.0.1:1", "a b"], {
          encoding: "utf8",
          env: { ...process.env, NODE_OPTIONS: "--no-such-option" },
        }),
        "stand-in 0123456789abcdef 127.0.0.1:1 a b undefined\n",
      );
    }
    assert.equal(downloads, 1);
  });

  test("renews the stand-in when its sources have changed, without another try to download", async () => {
    await provideEngineFolder(options);
    const standIn = standInOf("fedcba9876543210");
    const folder = await provideEngineFolder({ ...options, standIn });
    assert.match(await readProgram(folder.directory, "pulumi-language-nodejs"), /fedcba9876543210/);
    assert.match(folder.languageHost.description, /no way out of here/);
    assert.deepEqual([downloads, built], [1, ["pulumi"]]);
  });

  test("keeps old stand-ins for a day: a host may just be starting from one", async () => {
    const bundles = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith(".cjs"));
    const { directory: folder } = await provideEngineFolder(options);
    await provideEngineFolder({ ...options, standIn: standInOf("fedcba9876543210") });
    assert.equal((await bundles(folder)).length, 2);
    const longAgo = new Date(Date.now() - 25 * 60 * 60_000);
    for (const name of await bundles(folder)) await utimes(join(folder, name), longAgo, longAgo);
    await provideEngineFolder({ ...options, standIn: standInOf("00000000ffffffff") });
    assert.deepEqual(await bundles(folder), ["language-host-00000000ffffffff.cjs"]);
  });

  describe("with programs in Python", () => {
    const host = "pulumi-language-python";
    beforeEach(() => {
      options = { ...options, wanted: [...options.wanted, host] };
    });

    test("builds a stand-in that says what it is, with the executor beside it, and anew what is old or broken", async () => {
      const { directory: folder, description } = await provideEngineFolder(options);
      assert.deepEqual([downloads, built], [1, ["pulumi", host]]);
      assert.ok(description.includes(`${host} ${engineVersion}+stand-in.`), description);
      assert.match(await readProgram(folder, `${host}-exec`), /companion/);
      await rm(join(folder, `${host}-exec`));
      await provideEngineFolder(options);
      const file = join(folder, "origins.json");
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replace(/\+stand-in\.[0-9a-f]+/, "+stand-in.0123456789abcdef"));
      await provideEngineFolder(options);
      assert.match(await readProgram(folder, `${host}-exec`), /companion/);
      assert.deepEqual([downloads, built.length], [1, 4]);
      await provideEngineFolder(options);
      assert.equal(built.length, 4);
    });

    test("takes the official one that is installed, if its executor is there", async () => {
      await placePlugin(join(directory, "bin", host), "language", engineVersion);
      const { directory: folder } = await provideEngineFolder(options);
      assert.deepEqual(built, ["pulumi", host]);
      await rm(folder, { recursive: true });
      await placeScript(join(directory, "bin", `${host}-exec`), "echo official");
      const { description } = await provideEngineFolder(options);
      assert.ok(description.endsWith(`${host} ${engineVersion} (copied)`), description);
      assert.match(await readProgram(folder, `${host}-exec`), /official/);
      assert.deepEqual(built, ["pulumi", host, "pulumi"]);
    });
  });

  describe("in a cache of an earlier set-up", () => {
    /** As a set-up left it that built an old language host. */
    async function fillCache(languageHostVersion: string): Promise<string> {
      const folder = join(options.cacheDirectory, `pulumi-${engineVersion}-linux-x64`);
      await install(folder, engineVersion, languageHostVersion);
      const origins = Object.fromEntries(
        await Promise.all(
          (["pulumi", "pulumi-language-nodejs"] as const).map(async (name) => {
            const { length } = await readProgram(folder, name);
            const version = name === "pulumi" ? engineVersion : "3.68.0";
            return [name, { version, origin: "built", bytes: length }] as const;
          }),
        ),
      );
      await writeFile(join(folder, "origins.json"), JSON.stringify(origins));
      return folder;
    }

    test("replaces the old language host by the stand-in, and keeps the engine", async () => {
      const folder = await fillCache("3.68.0");
      const { directory: own, languageHost } = await provideEngineFolder(options);
      assert.deepEqual([own, languageHost.kind], [folder, "stand-in"]);
      assert.match(
        await readProgram(folder, "pulumi-language-nodejs"),
        /language-host-0123456789abcdef\.cjs/,
      );
      assert.deepEqual([downloads, built], [1, []]);
    });

    test("keeps the official language host that somebody has put there", async () => {
      const folder = await fillCache(engineVersion);
      const text = await readProgram(folder, "pulumi-language-nodejs");
      const { languageHost } = await provideEngineFolder(options);
      assert.equal(languageHost.kind, "official");
      assert.equal(await readProgram(folder, "pulumi-language-nodejs"), text);
      assert.deepEqual([downloads, built], [0, []]);
    });

    test("replaces the old language host by the download where there is one", async () => {
      const folder = await fillCache("3.68.0");
      const download: EngineOptions["download"] = async (_release, target) => {
        for (const name of options.wanted) await placeScript(join(target, "pulumi", name), "echo downloaded");
      };
      const { languageHost } = await provideEngineFolder({ ...options, download });
      assert.equal(languageHost.kind, "official");
      assert.match(await readProgram(folder, "pulumi-language-nodejs"), /downloaded/);
    });
  });

  test("builds one more program later, and keeps the others", async () => {
    await provideEngineFolder(options);
    await provideEngineFolder({
      ...options,
      wanted: ["pulumi", "pulumi-language-nodejs", "pulumi-language-yaml"],
    });
    assert.deepEqual(built, ["pulumi", "pulumi-language-yaml"]);
  });

  test("builds again what was damaged", async () => {
    const { directory: folder } = await provideEngineFolder(options);
    await writeFile(join(folder, "pulumi"), "half of it");
    await provideEngineFolder(options);
    assert.deepEqual(built, ["pulumi", "pulumi"]);
  });

  test("takes everything from the download, in the archive's folder", async () => {
    const download: EngineOptions["download"] = async (_release, target) => {
      await placeScript(join(target, "pulumi/pulumi"), "echo downloaded");
      await placeScript(join(target, "pulumi/pulumi-language-nodejs"), "echo downloaded");
      await placeScript(join(target, "pulumi/pulumi-language-yaml"), "echo downloaded");
    };
    const folder = await provideEngineFolder({ ...options, download });
    assert.match(await readProgram(folder.directory, "pulumi"), /downloaded/);
    assert.deepEqual(folder.languageHost, {
      kind: "official",
      description: `the official ${engineVersion}, downloaded`,
    });
    assert.deepEqual(built, []);
    await provideEngineFolder({ ...options, wanted: [...options.wanted, "pulumi-language-yaml"] });
    assert.deepEqual([downloads, built], [0, []]);
  });

  test("copies a single program of the right version from PATH, and gets the others", async () => {
    await placePlugin(join(directory, "bin/pulumi-language-nodejs"), "language", engineVersion);
    const folder = await provideEngineFolder(options);
    assert.deepEqual(built, ["pulumi"]);
    assert.deepEqual(folder.languageHost, {
      kind: "official",
      description: `the official ${engineVersion}, copied`,
    });
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
    assert.deepEqual(built, ["pulumi"]);
  });

  test("builds once when two begin at the same time", async () => {
    const folders = await Promise.all([provideEngineFolder(options), provideEngineFolder(options)]);
    assert.equal(folders[0].directory, folders[1].directory);
    assert.equal(folders[0].description, folders[1].description);
    assert.deepEqual(built, ["pulumi"]);
  });
});
