import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ProgramVersions } from "../../../tools/setup/program-version.ts";
import { placeEngine, placePlugin, placeScript } from "./programs.ts";

describe("ProgramVersions", () => {
  let directory: string;
  let versions: ProgramVersions;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "program-version-"));
    versions = new ProgramVersions(join(directory, "cache"));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  test("asks an engine once, also across runs, and again when the file has changed", async () => {
    const asked = async () => (await readFile(join(directory, "asked"), "utf8")).trim().split("\n").length;
    await placeEngine(directory, "3.1.0");
    assert.equal(await versions.of(join(directory, "pulumi"), "engine"), "3.1.0");
    assert.equal(
      await new ProgramVersions(join(directory, "cache")).of(join(directory, "pulumi"), "engine"),
      "3.1.0",
    );
    assert.equal(await asked(), 1);
    await placeEngine(directory, "3.259.0");
    assert.equal(await versions.of(join(directory, "pulumi"), "engine"), "3.259.0");
    assert.equal(await asked(), 2);
  });

  test("asks plugins as the engine does", async () => {
    await placePlugin(join(directory, "pulumi-language-nodejs"), "language", "v3.259.0");
    assert.equal(await versions.of(join(directory, "pulumi-language-nodejs"), "language"), "3.259.0");
    await placePlugin(join(directory, "pulumi-resource-command"), "provider", "1.2.1");
    assert.equal(await versions.of(join(directory, "pulumi-resource-command"), "resource"), "1.2.1");
  });

  test("knows no version of a program that fails, or that is no plugin", async () => {
    await placeScript(join(directory, "failing"), "exit 3");
    assert.equal(await versions.of(join(directory, "failing"), "engine"), undefined);
    await placeScript(join(directory, "chatty"), "echo hello");
    assert.equal(await versions.of(join(directory, "chatty"), "language"), undefined);
    assert.equal(await versions.of(join(directory, "chatty"), "language"), undefined);
  });
});
