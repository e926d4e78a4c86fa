import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { buildAll } from "../../tools/build/build.ts";
import { makeWindowsProgram } from "../../tools/build/windows/program-file.ts";
import {
  loadResedit,
  type ExecutableResources,
  type NtExecutable,
  type Resedit,
} from "../../tools/build/windows/resedit.ts";
import { provideRuntime } from "../../tools/build/platforms.ts";
import { defaultCacheDirectory } from "../../tools/cache-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const cacheDirectory = defaultCacheDirectory();
const blobName = "NODE_SEA_BLOB";
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** Of the optional header, by learn.microsoft.com, "PE Format". */
const consoleSubsystem = 3;

describe("the executable for Windows", () => {
  let version: string;
  let runtime: Buffer;
  let made: Buffer;
  let resedit: Resedit;
  let executable: NtExecutable;
  let resources: ExecutableResources;

  before(async () => {
    const log = () => {};
    const options = { root, cacheDirectory, log };
    ({ version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string });
    await buildAll({ ...options, platforms: ["windows-x64"], library: false });
    runtime = await readFile(await provideRuntime("windows-x64", options));
    made = await readFile(join(root, "dist", "vpnserver-windows-x64.exe"));
    resedit = await loadResedit();
    // Throws where a signature is left.
    executable = resedit.NtExecutable.from(made);
    resources = resedit.NtExecutableResource.from(executable);
  });

  const resource = (type: number, id?: string) =>
    resources.entries.filter((entry) => entry.type === type && (id === undefined || entry.id === id));

  test("is the pinned runtime, section by section, but for resources and the mark that it holds a program", () => {
    const marked = Buffer.from(runtime);
    marked[marked.indexOf(`${fuse}:0`) + fuse.length + 1] = "1".charCodeAt(0);
    const digests = (file: Buffer) =>
      resedit.NtExecutable.from(file, { ignoreCert: true })
        .getAllSections()
        .filter(({ info, data }) => info.name !== ".rsrc" && data !== null)
        .map(({ info, data }) => [
          info.name,
          createHash("sha256")
            .update(new Uint8Array(data as ArrayBuffer))
            .digest("hex"),
        ]);
    assert.deepEqual(digests(made), digests(marked));
  });

  test("has sections that follow each other, in the file and in memory", () => {
    const sections = executable.getAllSections().filter(({ info }) => info.sizeOfRawData > 0);
    for (const [index, { info }] of sections.entries()) {
      const next = sections[index + 1]?.info;
      if (next === undefined) continue;
      assert.ok(info.pointerToRawData + info.sizeOfRawData <= next.pointerToRawData, info.name);
      assert.ok(info.virtualAddress + info.virtualSize <= next.virtualAddress, info.name);
    }
    const last = sections.at(-1)?.info;
    assert.equal(made.length, (last?.pointerToRawData ?? 0) + (last?.sizeOfRawData ?? 0));
  });

  test("is a program for the console that needs no window of its own", () => {
    assert.equal(executable.newHeader.optionalHeader.subsystem, consoleSubsystem);
    const [manifest] = resource(24);
    const text = Buffer.from(manifest?.bin ?? new ArrayBuffer()).toString();
    assert.match(text, /<consoleAllocationPolicy [^>]*>detached<\/consoleAllocationPolicy>/);
    assert.match(text, /level="asInvoker"/);
  });

  test("tells its version and has an icon of four sizes", () => {
    const [info] = resedit.Resource.VersionInfo.fromEntries(resources.entries);
    assert.equal(info?.fixedInfo.fileVersionMS, 1);
    const [language] = info.getAllLanguagesForStringValues();
    assert.ok(language);
    const values = info.getStringValues(language);
    assert.deepEqual([values["ProductName"], values["ProductVersion"]], ["vpnserver", version]);
    const [icons] = resedit.Resource.IconGroupEntry.fromEntries(resources.entries);
    assert.deepEqual(
      icons?.icons.map(({ width, bitCount }) => [width, bitCount]),
      [16, 32, 48, 0].map((width) => [width, 32]),
    );
  });

  test("holds the program and the library for native calls", () => {
    const [blob] = resource(10, blobName);
    const bytes = Buffer.from(blob?.bin ?? new ArrayBuffer());
    assert.ok(bytes.includes("koffi.node"));
    assert.ok(bytes.includes("SoftEther VPN Server Service Started."));
  });

  test("is made of nothing but a runtime without a program", async () => {
    const program = { blob: Buffer.from("x"), blobName, fuse, version };
    await assert.rejects(makeWindowsProgram(made, program), /does not hold NODE_SEA_FUSE_\w+:0 once/);
    await assert.rejects(makeWindowsProgram(Buffer.from("MZ"), program), /does not hold/);
  });
});
