import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkRequirements } from "./requirements.ts";

const path = process.env["PATH"] ?? "";

test("the lab says that it needs root, and what for", () => {
  assert.throws(() => checkRequirements({ uid: 1000, path }), /need root, for network namespaces/);
});

test("the lab names the programs that are missing, and the Debian packages that bring them", async () => {
  const empty = await mkdtemp(join(tmpdir(), "lab-"));
  try {
    assert.throws(
      () => checkRequirements({ uid: 0, path: empty }),
      /mmdebstrap.*systemd-nspawn.*apt-get install .*mmdebstrap.*systemd-container/,
    );
  } finally {
    await rm(empty, { recursive: true });
  }
});

test("the lab has all that it needs on this machine", () => {
  checkRequirements();
});
