import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import languageMessages from "@pulumi/pulumi/proto/language_pb.js";
import { listLockedPackages } from "../../../tools/language-host/locked-packages.ts";
import { MemoryFailureWatch } from "../../../tools/language-host/memory-failure.ts";
import { locateModule, runProgram } from "../../../tools/language-host/node-program.ts";
import { choosePackageManager, installArguments } from "../../../tools/language-host/package-manager.ts";
import { programArguments, programEnvironment } from "../../../tools/language-host/program-run.ts";
import { findRequiredPackages } from "../../../tools/language-host/required-packages.ts";
import { readRuntimeOptions } from "../../../tools/language-host/runtime-options.ts";
import { splitWords } from "../../../tools/language-host/shell-words.ts";
import { standInVersion } from "../../../tools/language-host/version.ts";
import { describeStandIn, installStandIn, isStandInCurrent } from "../../../tools/setup/language-host.ts";
import { askPluginVersion } from "../../../tools/setup/plugin-version.ts";
import { placeScript } from "./programs.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "language-host-parts-"));
});
after(() => rm(directory, { recursive: true, force: true }));

async function write(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), typeof content === "string" ? content : JSON.stringify(content));
}

describe("the stand-in that set-up installs", () => {
  test("runs as one program, whatever kind of module its folder is for, and tells what it is", async () => {
    // The worst place: a folder of ES modules, without any node modules.
    await write("project/package.json", { type: "module" });
    const folder = join(directory, "project/cache");
    await mkdir(folder);
    const standIn = await describeStandIn();
    assert.equal(await isStandInCurrent(folder, standIn), false);
    await installStandIn(folder, standIn);
    assert.equal(await isStandInCurrent(folder, standIn), true);
    const program = join(folder, "pulumi-language-nodejs");
    assert.equal(execFileSync(program, ["--version"], { encoding: "utf8" }), `${standInVersion}\n`);
    assert.equal(await askPluginVersion(program, "language", 20_000), standInVersion);
  });

  test("is another one when a source has changed", async () => {
    const { fingerprint } = await describeStandIn();
    assert.match(fingerprint, /^[0-9a-f]{16}$/);
    assert.equal((await describeStandIn()).fingerprint, fingerprint);
    assert.equal(
      await isStandInCurrent(join(directory, "project/cache"), {
        ...(await describeStandIn()),
        fingerprint: "0".repeat(16),
      }),
      false,
    );
  });

  test("refuses a runtime that it does not know", async () => {
    const program = join(directory, "project/cache/pulumi-language-nodejs");
    assert.throws(
      () => execFileSync(program, ["--runtime=bun", "127.0.0.1:1"], { stdio: "pipe" }),
      /pulumi-language-nodejs: unsupported runtime: bun/,
    );
  });
});

describe("splitWords", () => {
  test("gives back words that were quoted one way or the other", () => {
    const quotes = [
      (word: string) => `'${word.replaceAll("'", `'"'"'`)}'`,
      (word: string) => `"${word.replaceAll(/[\\"]/g, "\\$&")}"`,
      (word: string) => (word === "" ? "''" : word.replaceAll(/./gsu, "\\$&")),
    ];
    const words = fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.constantFrom(...quotes)));
    fc.assert(
      fc.property(words, fc.constantFrom(" ", "\t", "\n  "), (list, space) => {
        const text = list.map(([word, quote]) => quote(word)).join(space);
        assert.deepEqual(
          splitWords(text),
          list.map(([word]) => word),
        );
      }),
    );
  });

  test("leaves comments out, and keeps a number sign within a word", () => {
    assert.deepEqual(splitWords("one # two 'three\nfour#five"), ["one", "four#five"]);
  });

  for (const text of ["'", 'a "b', "a\\"]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => splitWords(text), /nodeargs option/);
    });
  }
});

describe("readRuntimeOptions", () => {
  test("has defaults", () => {
    assert.deepEqual(readRuntimeOptions({}), {
      typescript: true,
      nodeArguments: [],
      packageManager: "auto",
      production: false,
    });
  });

  for (const [options, message] of [
    [{ typescript: "true" }, "typescript option must be a boolean"],
    [{ tsconfig: false }, "tsconfig option must be a string"],
    [{ nodeargs: ["--inspect"] }, "nodeargs option must be a string"],
    [{ production: 1 }, "production option must be a boolean"],
    [
      { packagemanager: "cargo" },
      'packagemanager option must be one of auto, npm, yarn, pnpm or bun, got "cargo"',
    ],
  ] as const) {
    test(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => readRuntimeOptions(options), { message });
    });
  }
});

describe("a run", () => {
  const context = { runPath: "/sdk/run", engineAddress: "127.0.0.1:1" };
  const options = readRuntimeOptions({ nodeargs: "--title=x" });

  test("leaves out what the engine does not say", () => {
    const request = new languageMessages.RunRequest();
    request.setMonitorAddress("127.0.0.1:2");
    assert.deepEqual(programArguments(request, options, context), [
      "--title=x",
      "/sdk/run",
      "--monitor=127.0.0.1:2",
      "--engine=127.0.0.1:1",
      "--parallel=0",
      ".",
    ]);
  });

  test("passes spans on", () => {
    const args = programArguments(new languageMessages.RunRequest(), options, {
      ...context,
      tracing: "file:/x",
    });
    assert.ok(args.includes("--tracing=file:/x"));
  });

  test("writes configuration keys in the long form, once", () => {
    const request = new languageMessages.RunRequest();
    request.getConfigMap().set("a:b", "1").set("a:config:c", "2");
    const { PULUMI_CONFIG } = programEnvironment(request, options);
    assert.deepEqual(JSON.parse(PULUMI_CONFIG ?? ""), { "a:config:b": "1", "a:config:c": "2" });
    request.getConfigMap().set("d", "3");
    assert.throws(() => programEnvironment(request, options), /the configuration key d is not of the form/);
  });
});

describe("MemoryFailureWatch", () => {
  const output = Buffer.from("before\n<--- Last few GCs --->\nafter");

  test("sees the sign wherever the output is cut", () => {
    for (let cut = 0; cut <= output.length; cut++) {
      const watch = new MemoryFailureWatch();
      watch.write(output.subarray(0, cut));
      watch.write(output.subarray(cut));
      assert.ok(watch.detected, `cut at ${cut}`);
    }
    const watch = new MemoryFailureWatch();
    for (const byte of output) watch.write(Buffer.of(byte));
    assert.ok(watch.detected);
  });

  test("sees none in other output", () => {
    const watch = new MemoryFailureWatch();
    for (let line = 0; line < 1_000; line++) watch.write(Buffer.from("<--- Last few\nGCs --->"));
    assert.ok(!watch.detected);
  });
});

describe("runProgram", () => {
  const run = (script: string, signal: AbortSignal = new AbortController().signal) => {
    let output = "";
    const take = (chunk: Buffer) => void (output += chunk.toString());
    return runProgram("sh", ["-c", script], {
      cwd: directory,
      env: process.env,
      signal,
      onStdout: take,
      onStderr: take,
    }).then((code) => ({ code, output }));
  };

  test("resolves to the exit code when all output was taken", async () => {
    const { code, output } = await run("seq 1 20000; seq 1 20000 >&2; exit 3");
    assert.deepEqual([code, output.length], [3, 2 * 108_894]);
  });

  test("starts nothing after the end", async () => {
    await assert.rejects(run("exit 0", AbortSignal.abort(new Error("over"))), /over/);
  });

  test("says what is missing: the program, or its folder", async () => {
    const options = {
      env: process.env,
      signal: new AbortController().signal,
      onStdout: () => {},
      onStderr: () => {},
    };
    await assert.rejects(
      runProgram("no-such-program", [], { ...options, cwd: directory }),
      /could not find no-such-program on the \$PATH/,
    );
    await assert.rejects(
      runProgram("sh", [], { ...options, cwd: join(directory, "nowhere") }),
      /the folder .*nowhere does not exist/,
    );
    await assert.rejects(
      runProgram("sh", ["x".repeat(200_000)], { ...options, cwd: directory }),
      /the stack's configuration among them, are larger than the system allows/,
    );
  });
});

describe("locateModule", () => {
  test("finds what a program in the folder would load, also from above it", async () => {
    await write("sdk/node_modules/sample/cmd/index.js", "");
    assert.equal(
      locateModule("sample/cmd", join(directory, "sdk/below"), "npm install"),
      join(directory, "sdk/node_modules/sample/cmd/index.js"),
    );
  });

  test("tells how to install the SDK", () => {
    assert.throws(
      () => locateModule("no-such-module/cmd", directory, "pulumi install"),
      /It looks like the Pulumi SDK has not been installed\. Have you run pulumi install\? \(no-such-module/,
    );
  });
});

describe("the package manager", () => {
  const options = readRuntimeOptions({});

  test("is the one of the lock file where it is installed, else npm", async () => {
    await write("locked/package.json", {});
    await write("locked/yarn.lock", "");
    const bin = join(directory, "bin");
    await placeScript(join(bin, "npm"), "exit 1");
    const below = join(directory, "locked/deep/program");
    assert.equal(choosePackageManager(options, below, { PATH: bin }), "npm");
    await placeScript(join(bin, "yarn"), "exit 1");
    assert.equal(choosePackageManager(options, below, { PATH: bin }), "yarn");
    assert.equal(choosePackageManager(options, directory, { PATH: bin }), "npm");
    assert.equal(choosePackageManager(options, directory, { PATH: bin, PULUMI_PREFER_YARN: "true" }), "yarn");
    assert.throws(
      () => choosePackageManager(readRuntimeOptions({ packagemanager: "pnpm" }), directory, { PATH: bin }),
      /Could not find `pnpm` executable.\nInstall pnpm/,
    );
  });

  test("installs with the arguments of its kind", () => {
    assert.deepEqual(installArguments("npm", false), ["install", "--loglevel=error"]);
    assert.deepEqual(installArguments("npm", true), ["install", "--loglevel=error", "--production"]);
    assert.deepEqual(installArguments("pnpm", true), ["install", "--prod"]);
  });
});

describe("listLockedPackages", () => {
  const manifest = { dependencies: { "@a/direct": "1", linked: "file:x" }, devDependencies: { tool: "1" } };

  test("reads lock files by folder", async () => {
    await write("folders/package.json", manifest);
    await write("folders/package-lock.json", {
      packages: {
        "": { version: "0.0.1" },
        x: { version: "0.0.2" },
        "node_modules/linked": { resolved: "x", link: true },
        "node_modules/@a/direct": { version: "1.0.0" },
        "node_modules/@a/direct/node_modules/tool": { version: "2.0.0" },
        "node_modules/tool": { version: "1.0.0" },
      },
    });
    assert.deepEqual(listLockedPackages(join(directory, "folders/deep"), false), [
      { name: "@a/direct", version: "1.0.0" },
      { name: "tool", version: "1.0.0" },
    ]);
    assert.equal(listLockedPackages(join(directory, "folders"), true).length, 3);
  });

  test("reads lock files by name, of npm 6", async () => {
    await write("names/package.json", manifest);
    await write("names/package-lock.json", {
      dependencies: {
        "@a/direct": { version: "1.0.0", dependencies: { tool: { version: "2.0.0" } } },
        tool: { version: "1.0.0" },
      },
    });
    assert.deepEqual(listLockedPackages(join(directory, "names"), false), [
      { name: "@a/direct", version: "1.0.0" },
      { name: "tool", version: "1.0.0" },
    ]);
    assert.equal(listLockedPackages(join(directory, "names"), true).length, 3);
  });

  test("names the file that it cannot read", async () => {
    await write("broken/package-lock.json", "{");
    assert.throws(
      () => listLockedPackages(join(directory, "broken"), true),
      /could not read .*broken\/package-lock/,
    );
  });
});

describe("findRequiredPackages", () => {
  test("leaves out what it may not or cannot read", async () => {
    const resource = (name: string) => ({
      name: `@pulumi/${name}`,
      version: "1.0.0",
      pulumi: { resource: true },
    });
    await write("walk/node_modules/@pulumi/good/package.json", resource("good"));
    await write("walk/node_modules/null/package.json", "null");
    await write("walk/node_modules/odd/package.json", {
      name: 1,
      version: [],
      pulumi: { resource: true, name: {} },
    });
    await write("walk/node_modules/closed/package.json", resource("closed"));
    await write("walk/node_modules/file", "");
    await chmod(join(directory, "walk/node_modules/closed/package.json"), 0o000);
    const found = findRequiredPackages(join(directory, "walk")).map(
      ({ name, version }) => `${name} ${version}`,
    );
    // Who is root may read everything.
    const expected = process.getuid?.() === 0 ? ["closed v1.0.0", "good v1.0.0"] : ["good v1.0.0"];
    assert.deepEqual(found.sort(), expected);
    assert.deepEqual(findRequiredPackages(join(directory, "nowhere")), []);
  });
});
