import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertFailed,
  assertSucceeded,
  Deployment,
  entryOf,
  serverProcesses,
  statusOf,
} from "./support/deployment.ts";
import { ProgramCopy } from "./support/program.ts";

test("another build takes the place of the running one, with the same certificate, and the former one is kept", async () => {
  await using program = await ProgramCopy.create();
  await using deployment = await Deployment.create({ program: program.directory });
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  assertSucceeded(await deployment.stack.up());
  const [before, former] = [await deployment.server("alpha"), await statusOf(host)];

  const release = await program.buildNextVersion();
  assertSucceeded(await deployment.stack.up());

  const after = await deployment.server("alpha");
  assert.equal(after.lastCheck?.release, release);
  assert.notEqual(release, former.release);
  assert.equal(after.tlsFingerprint, before.tlsFingerprint);
  assert.equal((await statusOf(host)).release, release);
  assert.equal((await serverProcesses(host)).length, 2);
  const releases = (await host.run("ls /opt/vpnserver/releases")).stdout.trim().split("\n");
  assert.deepEqual(releases.sort(), [former.release, release].sort());
});

test("a build that does not become healthy gives way to the former one, and up fails with the reason", async () => {
  await using program = await ProgramCopy.create();
  await using deployment = await Deployment.create({ program: program.directory });
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  assertSucceeded(await deployment.stack.up());
  const former = await statusOf(host);

  await program.buildMuteRelease();
  assertFailed(await deployment.stack.up(), /rolled back|previous release/i);

  assert.equal((await statusOf(host)).release, former.release);
  assert.equal((await serverProcesses(host)).length, 2);
});
