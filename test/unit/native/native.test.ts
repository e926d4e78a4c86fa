import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { installedKoffiFile, placeKoffi } from "../../../server/native/koffi-file.ts";
import { loadNative, loadNativeFrom, NativeLoader } from "../../../server/native/native.ts";

describe("the library for native calls", () => {
  let scratch: string;
  let library: Buffer;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-native-test-"));
    library = await readFile(installedKoffiFile() ?? "");
  });
  after(() => rm(scratch, { recursive: true }));
  const folder = (mode = 0o755) =>
    mkdtemp(join(scratch, "folder-")).then(async (path) => {
      await chmod(path, mode);
      return path;
    });

  test("is written to a file that is named by its bytes, and loaded", async () => {
    const path = await folder();
    const native = await loadNativeFrom([{ path, write: true }], library);
    assert.ok(native.available);
    assert.match(native.library, /^koffi 3\.\d+\.\d+$/);
    const [name = "", ...others] = await readdir(path);
    assert.deepEqual(others, []);
    assert.match(name, /^koffi-[0-9a-f]{16}\.node$/);
    assert.equal((await stat(join(path, name))).mode & 0o777, 0o644);
  });

  test("is left alone where it is, and written anew where it is damaged", async () => {
    const path = await folder();
    const file = await placeKoffi(library, { path, write: true });
    const { ino } = await stat(file);
    assert.equal(await placeKoffi(library, { path, write: false }), file);
    assert.equal((await stat(file)).ino, ino);
    await writeFile(file, Buffer.alloc(library.length));
    await placeKoffi(library, { path, write: true });
    assert.deepEqual(await readFile(file), library);
  });

  test("takes the place of a former one, and of nothing else", async () => {
    const path = await folder();
    await placeKoffi(Buffer.from("of a former release"), { path, write: true });
    await writeFile(join(path, "vpnserver"), "");
    const file = await placeKoffi(library, { path, write: true });
    assert.deepEqual((await readdir(path)).map((name) => join(path, name)).sort(), [
      file,
      join(path, "vpnserver"),
    ]);
  });

  test("is not loaded from where others may change it", async () => {
    const open = await folder(0o777);
    const native = await loadNativeFrom([{ path: open, write: true }], library);
    assert.deepEqual(native, { available: false, reason: `other users may write to ${open}` });
    const path = await folder();
    const file = await placeKoffi(library, { path, write: true });
    await chmod(file, 0o666);
    await assert.rejects(placeKoffi(library, { path, write: false }), /other users may write to/);
    const elsewhere = join(await folder(), "library");
    await writeFile(elsewhere, library);
    await rm(file);
    await symlink(elsewhere, file);
    await assert.rejects(placeKoffi(library, { path, write: false }), /is not there/);
  });

  test("is taken from the next folder where the first does not do", async () => {
    const missing = join(scratch, "missing");
    const none = await loadNativeFrom([{ path: missing, write: true }], library);
    assert.ok(!none.available && none.reason.includes(missing), JSON.stringify(none));
    const path = await folder();
    const native = await loadNativeFrom(
      [
        { path: missing, write: true },
        { path, write: true },
      ],
      library,
    );
    assert.ok(native.available);
  });

  test("that does not load is told with the loader's words", async () => {
    const path = await folder();
    const native = await loadNativeFrom([{ path, write: true }], Buffer.from("no library"));
    assert.ok(!native.available);
    assert.match(native.reason, /koffi-[0-9a-f]{16}\.node: /);
  });

  test("stays out of it when the administrator says so", async () => {
    const directory = join(scratch, "run");
    await mkdir(directory);
    assert.deepEqual(await loadNative({ env: { VPNSERVER_NATIVE: "off" }, directory }), {
      available: false,
      reason: "VPNSERVER_NATIVE is off",
    });
    assert.ok((await loadNative({ env: {}, directory })).available);
    assert.deepEqual(await readdir(directory), []);
  });

  test("is loaded once, when it is needed or the administrator says so", async () => {
    const waiting = new NativeLoader({ env: {}, directory: scratch });
    assert.equal(waiting.loaded, undefined);
    const native = await waiting.get();
    assert.equal(await waiting.get(), native);
    assert.equal(waiting.loaded, native);
    const eager = new NativeLoader({ env: { VPNSERVER_NATIVE: "on" }, directory: scratch });
    while (eager.loaded === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(eager.loaded.available);
  });
});
