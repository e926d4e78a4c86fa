import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckReport } from "../../components/index.ts";
import { Lab } from "../lab/lab.ts";
import { assertSucceeded, serverProcesses } from "./support/deployment.ts";
import { configOf, exampleStack } from "./support/example.ts";

interface Outputs {
  readonly mode: string;
  readonly endpoints: readonly string[];
  readonly lastCheck: CheckReport;
}

test("first up for a user without sudo starts a server that serves on 5555 and outlives the SSH connection", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { users: [{ name: "alice", sudo: "none" }] });
  await using stack = await exampleStack("user-mode", { lab, ...configOf(host, { user: "alice" }) });

  assertSucceeded(await stack.up());

  const { mode, endpoints, lastCheck } = (await stack.outputs()) as unknown as Outputs;
  assert.equal(mode, "user");
  assert.deepEqual(endpoints, [`${host.address}:5555`]);
  const listeners = new Map(lastCheck.listeners.map((listener) => [listener.port, listener]));
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
