import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

for (const [mode, kill] of [
  ["service", "systemctl stop vpnserver"],
  ["user", "kill -KILL $(ps -e -o pid=,args= | grep '[v]pnserver execsvc' | awk '{ print $1 }')"],
] as const) {
  test(`the next up says that a server in ${mode} mode is dead, and brings it back`, async () => {
    await using deployment = await Deployment.create();
    const host = await deployment.lab.host("alpha");
    await deployment.configure(entryOf(host, { mode }));
    assertSucceeded(await deployment.stack.up());
    await host.run(kill);
    assert.deepEqual(await serverProcesses(host), []);

    const up = await deployment.stack.up();

    assertSucceeded(up);
    assert.match(up.stdout, /does not run.*starting it again/s);
    assert.match(up.stdout, /healthy again/);
    assert.equal((await serverProcesses(host)).length, 2);
  });
}

test("a host that has lost the server altogether gets it again", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha", { users: [{ name: "alice", sudo: "none" }] });
  await deployment.configure(entryOf(host, { user: "alice" }));
  assertSucceeded(await deployment.stack.up());
  await host.run("~/vpnserver/current/vpnserver stop && rm -rf ~/vpnserver", { user: "alice" });

  assertSucceeded(await deployment.stack.up());

  assert.equal((await serverProcesses(host)).length, 2);
});
