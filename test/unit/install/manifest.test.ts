import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import { ServerError } from "../../../server/errors.ts";
import { layoutOf, type Layout } from "../../../server/install/layout.ts";
import {
  installedMode,
  ManifestRecord,
  readManifest,
  writeManifest,
  type Manifest,
} from "../../../server/install/manifest.ts";

const manifest: Manifest = {
  format: 1,
  mode: "service",
  stateDirectory: "/var/lib/vpnserver",
  release: "a".repeat(64),
  previousRelease: "b".repeat(64),
  folders: ["/opt/vpnserver"],
  links: ["/usr/local/bin/vpnserver"],
  firewall: { open: true, ports: [443, 992, 5555] },
};

let layout: Layout;
beforeEach(async () => (layout = layoutOf(await mkdtemp(join(tmpdir(), "vpnserver-manifest-")))));
afterEach(() => rm(layout.prefix, { recursive: true, force: true }));

describe("a manifest", () => {
  test("is read as it was written", async () => {
    assert.equal(await readManifest(layout), undefined);
    assert.equal(await installedMode(layout), undefined);
    await writeManifest(layout, manifest);
    assert.deepEqual(await readManifest(layout), manifest);
    assert.equal(await installedMode(layout), "service");
  });

  test("may name an owner", async () => {
    const owned = { ...manifest, owner: { id: "id-of-paris", stack: "o/p/s", name: "fleet-paris" } };
    await writeManifest(layout, owned);
    assert.deepEqual(await readManifest(layout), owned);
  });

  test("is for everybody to read in service mode, and private in user mode", async () => {
    await writeManifest(layout, manifest);
    assert.equal((await stat(layout.manifest)).mode & 0o777, 0o644);
    await writeManifest(layout, { ...manifest, mode: "user" });
    assert.equal((await stat(layout.manifest)).mode & 0o777, 0o600);
  });

  for (const [what, changes] of [
    ["another format", { format: 2 }],
    ["another mode", { mode: "auto" }],
    ["a relative state directory", { stateDirectory: "state" }],
    ["a release that is no SHA-256", { release: "../../etc" }],
    ["folders that are no paths", { folders: [1] }],
    ["no links", { links: undefined }],
    ["an owner without an id", { owner: { stack: "a/b/c", name: "d" } }],
    ["no firewall", { firewall: null }],
    ["ports that are no numbers", { firewall: { open: true, ports: ["443"] } }],
  ] as const) {
    test(`with ${what} is refused by its path`, async () => {
      await writeFile(layout.manifest, JSON.stringify({ ...manifest, ...changes }));
      await assert.rejects(
        readManifest(layout),
        (error) =>
          error instanceof ServerError &&
          error.code === "STATE_INVALID" &&
          error.message.includes(layout.manifest),
      );
    });
  }

  test("of any other content is refused in the same way, or read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        await writeFile(layout.manifest, text);
        await assert.rejects(
          readManifest(layout),
          (error) => error instanceof ServerError && error.code === "STATE_INVALID",
        );
      }),
      { numRuns: 50 },
    );
  });

  test("on record is not written again when it is as it was", async () => {
    await writeManifest(layout, manifest);
    const before = await stat(layout.manifest);
    const record = new ManifestRecord(layout, manifest, { ...manifest, links: [] });
    await record.replace(manifest);
    assert.equal((await stat(layout.manifest)).ino, before.ino);
    await record.add({ links: [] });
    assert.deepEqual((await readManifest(layout))?.links, []);
    await record.replace(manifest);
    assert.deepEqual(await readManifest(layout), manifest);
  });

  test("that cannot be written is told with the way out", async () => {
    await writeFile(join(layout.prefix, "file"), "");
    await assert.rejects(
      writeManifest(layoutOf(join(layout.prefix, "file")), manifest),
      /cannot write .*install\.json: a part of that path is a file .*--prefix/,
    );
  });
});
