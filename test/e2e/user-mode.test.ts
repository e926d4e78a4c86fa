import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

test("first up for a user without sudo starts a server that serves on 5555 and outlives the SSH connection", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha", { users: [{ name: "alice", sudo: "none" }] });
  await deployment.configure(entryOf(host, { user: "alice" }));

  assertSucceeded(await deployment.stack.up());

  const server = await deployment.server("alpha");
  assert.equal(server.mode, "user");
  assert.deepEqual(server.endpoints, [`${host.address}:5555`]);
  const listeners = new Map(server.lastCheck?.listeners.map((listener) => [listener.port, listener]));
  for (const port of [443, 992]) {
    assert.equal(listeners.get(port)?.state, "Error");
    assert.match(listeners.get(port)?.reason ?? "", /root|1024|EACCES/);
  }
  assert.equal(listeners.get(5555)?.answers, true);

  // The connection of the deployment is closed by now; whoever looks next is another one.
  const processes = await serverProcesses(host);
  assert.equal(processes.length, 2);
  const owners = await host.run(`ps -o user= -p ${processes.join(",")}`);
  assert.deepEqual(owners.stdout.trim().split(/\s+/), ["alice", "alice"]);
  assert.notEqual((await host.run("systemctl is-enabled vpnserver", { check: false })).code, 0);
});
