import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { provideCommandPlugin, type CommandPluginOptions } from "../../../tools/setup/command-plugin.ts";
import { ProgramVersions } from "../../../tools/setup/program-version.ts";
import { commandPluginVersion } from "../../../tools/setup/versions.ts";
import { placePlugin, placeScript } from "./programs.ts";

const plugin = `plugins/resource-command-v${commandPluginVersion}/pulumi-resource-command`;

describe("provideCommandPlugin", () => {
  let directory: string;
  let options: CommandPluginOptions;
  let downloads: number;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "command-plugin-"));
    downloads = 0;
    options = {
      root: join(directory, "check out's"),
      pulumiHome: join(directory, "pulumi-home"),
      cacheDirectory: join(directory, "cache"),
      environment: { PATH: `${join(directory, "bin")}:/usr/bin:/bin`, HOME: join(directory, "home") },
      versions: new ProgramVersions(join(directory, "cache")),
      log: () => {},
      download: () => {
        downloads++;
        return Promise.reject(new Error("no way out of here"));
      },
    };
    // A checkout whose stand-in tells what it was started with.
    await mkdir(join(options.root, "node_modules/.bin"), { recursive: true });
    await symlink(process.execPath, join(options.root, "node_modules/.bin/node"));
    await mkdir(join(options.root, "tools/command-plugin"), { recursive: true });
    await writeFile(
      join(options.root, "tools/command-plugin/main.ts"),
      'console.log("stand-in", process.argv.slice(2).join("|") satisfies string);',
    );
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const installed = () => join(options.pulumiHome, plugin);

  test("links the official program from Pulumi's plugin folder", async () => {
    const official = join(directory, "home/.pulumi", plugin);
    await placeScript(official, "exit 1");
    const { kind, path } = await provideCommandPlugin(options);
    assert.deepEqual([kind, path], ["official", official]);
    assert.equal(await realpath(installed()), await realpath(official));
    assert.equal(downloads, 0);
  });

  test("links the official program from PATH when it tells the right version, and no other", async () => {
    const official = join(directory, "bin/pulumi-resource-command");
    await placePlugin(official, "provider", "4.5.0");
    assert.equal((await provideCommandPlugin(options)).kind, "stand-in");
    await rm(official);
    await placePlugin(official, "provider", commandPluginVersion);
    assert.equal((await provideCommandPlugin(options)).kind, "official");
    assert.equal(await realpath(installed()), await realpath(official));
  });

  test("takes the stand-in, with the reason, where the official program cannot be had", async () => {
    const { kind, description } = await provideCommandPlugin(options);
    assert.equal(kind, "stand-in");
    assert.match(description, /stand-in of this repository.*no way out of here/);
    const output = execFileSync(installed(), ["127.0.0.1:1", "a b"], { encoding: "utf8" });
    assert.equal(output, "stand-in 127.0.0.1:1|a b\n");
  });

  test("does not take the stand-in of another set-up for the official program", async () => {
    await provideCommandPlugin(options);
    const environment = { ...options.environment, PULUMI_HOME: options.pulumiHome };
    const other = { ...options, environment, pulumiHome: join(directory, "other-home") };
    assert.equal((await provideCommandPlugin(other)).kind, "stand-in");
  });

  test("does not wait for a download again on the same day", async () => {
    await provideCommandPlugin(options);
    await provideCommandPlugin(options);
    assert.equal(downloads, 1);
    const file = join(directory, `cache/command-plugin-${commandPluginVersion}-linux-x64.unavailable.json`);
    const failure = JSON.parse(await readFile(file, "utf8")) as { at: string; reason: string };
    await writeFile(
      file,
      JSON.stringify({ ...failure, at: new Date(Date.now() - 25 * 3_600_000).toISOString() }),
    );
    await provideCommandPlugin(options);
    assert.equal(downloads, 2);
  });

  test("takes the place of the stand-in once the download works, and downloads once", async () => {
    await provideCommandPlugin(options);
    await rm(join(directory, "cache"), { recursive: true });
    const download: CommandPluginOptions["download"] = async (_release, target) => {
      downloads++;
      await placeScript(join(target, "pulumi-resource-command"), "echo official");
    };
    assert.equal((await provideCommandPlugin({ ...options, download })).kind, "official");
    assert.equal((await provideCommandPlugin({ ...options, download })).kind, "official");
    assert.equal(downloads, 2);
    assert.equal(execFileSync(installed(), { encoding: "utf8" }), "official\n");
  });
});
