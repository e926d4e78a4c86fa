import assert from "node:assert/strict";
import { test } from "node:test";
import { footprint } from "../lab-claims/installed-host.ts";
import { assertSucceeded, Deployment, entryOf, serverProcesses, statusOf } from "./support/deployment.ts";
import { ProgramCopy } from "./support/program.ts";

for (const [bootSystem, title] of [
  ["sysv", "SysV init"],
  ["openrc", "OpenRC"],
] as const) {
  test(`a host that is run by ${title} gets a service, which is back after a reboot, updated, and gone after destroy`, async () => {
    await using program = await ProgramCopy.create();
    await using deployment = await Deployment.create({ program: program.directory });
    const host = await deployment.lab.host("alpha", { bootSystem });
    await deployment.configure(entryOf(host, { purgeStateOnDestroy: true }));
    const clean = await footprint(host);

    assertSucceeded(await deployment.stack.up());
    const first = await deployment.server("alpha");
    assert.equal(first.mode, "service");
    assert.equal((await host.run("/etc/init.d/vpnserver status", { check: false })).code, 0);

    await host.reboot();
    assert.equal((await serverProcesses(host)).length, 2);
    const up = await deployment.stack.up();
    assertSucceeded(up);
    assert.doesNotMatch(up.stdout, /starting it again/);

    const release = await program.buildNextVersion();
    assertSucceeded(await deployment.stack.up());
    assert.equal((await statusOf(host)).release, release);
    assert.equal((await deployment.server("alpha")).tlsFingerprint, first.tlsFingerprint);

    assertSucceeded(await deployment.stack.destroy());
    assert.deepEqual(await serverProcesses(host), []);
    assert.deepEqual(await footprint(host), clean);
  });
}
