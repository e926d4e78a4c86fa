import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { layoutOf } from "../../../server/install/layout.ts";
import { writeManifest, type Manifest } from "../../../server/install/manifest.ts";
import type { HostFacts } from "../../../server/install/mode-choice.ts";
import { requestMode } from "../../../server/install/mode-request.ts";

const root: HostFacts = {
  uid: 0,
  user: "root",
  initSystem: { title: "systemd" },
  sudo: { works: false, reason: "sudo was not tried" },
};
const inUserMode: Manifest = {
  format: 1,
  mode: "user",
  stateDirectory: "/srv/state",
  folders: [],
  links: [],
  firewall: { open: false, ports: [] },
};

let prefix: string;
beforeEach(async () => (prefix = await mkdtemp(join(tmpdir(), "vpnserver-request-"))));
afterEach(() => rm(prefix, { recursive: true, force: true }));

test("auto keeps the mode of what is installed there", async () => {
  assert.equal((await requestMode("auto", { prefix, facts: root })).mode, "service");
  await writeManifest(layoutOf(prefix), inUserMode);
  assert.deepEqual(await requestMode("auto", { prefix, facts: root }), {
    mode: "user",
    reason: `it is installed so already, in ${prefix}`,
    needsSudo: false,
  });
});

test("auto gives the same reason the second time where it would choose the same", async () => {
  const first = await requestMode("auto", { prefix, facts: root });
  await writeManifest(layoutOf(prefix), { ...inUserMode, mode: "service" });
  assert.deepEqual(await requestMode("auto", { prefix, facts: root }), first);
});

test("another mode than that of what is installed there is refused", async () => {
  await writeManifest(layoutOf(prefix), inUserMode);
  await assert.rejects(
    requestMode("service", { prefix, facts: root }),
    new RegExp(`installed in user mode, in ${prefix}; .*take it away first`),
  );
  assert.equal((await requestMode("user", { prefix, facts: root })).mode, "user");
});
