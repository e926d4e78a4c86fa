import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { buildAll, type Manifest } from "../../tools/build/build.ts";
import { digestFile } from "../../tools/build/hash.ts";
import { defaultCacheDirectory } from "../../tools/cache-directory.ts";
import { platforms } from "../../tools/build/platforms.ts";
import { extractedRoot, librariesOfServer } from "./extracted-root.ts";
import { copySources } from "./source-copy.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const dist = join(root, "dist");
const cacheDirectory = defaultCacheDirectory();

describe("the build", () => {
  let manifest: Manifest;
  let version: string;
  let scratch: string;
  let copy: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-build-test-"));
    copy = join(scratch, "a checkout", "elsewhere");
    ({ version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string });
    manifest = await buildAll({ root, cacheDirectory, platforms, library: true, log: () => {} });
  });
  after(() => rm(scratch, { recursive: true, force: true }));

  test("names every platform's files with their true size and SHA-256", async () => {
    assert.deepEqual(JSON.parse(await readFile(join(dist, "manifest.json"), "utf8")), manifest);
    assert.equal(manifest.version, version);
    assert.deepEqual(Object.keys(manifest.artifacts), [...platforms]);
    for (const artifact of Object.values(manifest.artifacts)) {
      for (const { file, sha256, bytes } of [artifact, artifact.upload]) {
        assert.deepEqual(await digestFile(join(dist, file)), { sha256, bytes }, file);
      }
      assert.equal((await stat(join(dist, artifact.file))).mode & 0o777, 0o755);
    }
  });

  test("uploads unpack with gzip to exactly the executable", async () => {
    for (const { file, sha256, upload } of Object.values(manifest.artifacts)) {
      assert.equal(await hashOfUnpacked(join(dist, upload.file)), sha256, file);
    }
  });

  test("the same sources give the same bytes in another folder, at another time, for another user", async () => {
    await copySources(root, copy);
    // A process of its own, as on another machine; only the runtimes in the cache are shared.
    await run("sh", ["-c", 'umask 077 && exec "$0" tools/build/main.ts', process.execPath], {
      cwd: copy,
      env: { ...process.env, TZ: "Asia/Tokyo", LC_ALL: "C", USER: "somebody", SOURCE_DATE_EPOCH: "1" },
    });
    assert.deepEqual(JSON.parse(await readFile(join(copy, "dist", "manifest.json"), "utf8")), manifest);
    for (const name of ["lib/components/index.js", "lib/components/index.d.ts", "lib/schema.json"]) {
      const [here, there] = await Promise.all(
        [dist, join(copy, "dist")].map((folder) => readFile(join(folder, name), "utf8")),
      );
      assert.equal(there, here, name);
    }
    assert.equal((await stat(join(copy, "dist", "vpnserver-linux-x64"))).mode & 0o777, 0o755);
  });

  test("does nothing when nothing changed", async () => {
    const files = ["manifest.json", "vpnserver-linux-x64", "vpnserver-linux-arm64.gz", "lib/schema.json"];
    const times = () =>
      Promise.all(files.map(async (name) => (await stat(join(copy, "dist", name))).mtimeMs));
    const earlier = await times();
    const steps: string[] = [];
    const again = await buildAll({
      root: copy,
      cacheDirectory,
      platforms,
      library: true,
      log: (line) => steps.push(line),
    });
    assert.deepEqual(again, manifest);
    assert.deepEqual(await times(), earlier);
    assert.match(steps.join("\n"), /^bundle the server +\d+\.\d\d s$/);
  });

  test("makes a damaged file again, and leaves the other platform's alone", async () => {
    const target = join(copy, "dist");
    await truncate(join(target, "vpnserver-linux-x64.gz"), 1_000);
    const untouched = (await stat(join(target, "vpnserver-linux-arm64"))).mtimeMs;
    const again = await buildAll({
      root: copy,
      cacheDirectory,
      platforms: ["linux-x64"],
      library: false,
      log: () => {},
    });
    assert.deepEqual(again, manifest);
    assert.equal(
      (await stat(join(target, "vpnserver-linux-x64.gz"))).size,
      manifest.artifacts["linux-x64"]?.upload.bytes,
    );
    assert.equal((await stat(join(target, "vpnserver-linux-arm64"))).mtimeMs, untouched);
  });

  test("the executable heeds no NODE_OPTIONS, which may be meant for another program", async () => {
    const { stdout } = await run(join(dist, "vpnserver-linux-x64"), ["version"], {
      env: { ...process.env, NODE_OPTIONS: "--require /nonexistent.cjs" },
    });
    assert.ok(stdout.includes(version), stdout);
  });

  test("the arm64 executable runs on a minimal Debian 12, under emulation", async () => {
    const { stdout } = await run("qemu-aarch64-static", [
      "-L",
      await extractedRoot(cacheDirectory, "debian-12-arm64", {
        architecture: "arm64",
        packages: librariesOfServer,
      }),
      join(dist, "vpnserver-linux-arm64"),
      "version",
    ]);
    assert.ok(stdout.includes(version), stdout);
  });

  test("the license texts of Node.js and of every bundled package are beside the executables", async () => {
    const notices = await readFile(join(dist, "THIRD-PARTY-LICENSES.txt"), "utf8");
    assert.match(notices, /^Node\.js 24\.\d+\.\d+$/m);
    assert.match(notices, /^commander 15\.\d+\.\d+ \(MIT\)$/m);
    assert.match(notices, /Permission is hereby granted, free of charge/);
  });
});

async function hashOfUnpacked(path: string): Promise<string> {
  const child = spawn("gzip", ["-dc", path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const hash = createHash("sha256");
  for await (const chunk of child.stdout) hash.update(chunk as Buffer);
  assert.deepEqual(await ended, [0, null]);
  return hash.digest("hex");
}
