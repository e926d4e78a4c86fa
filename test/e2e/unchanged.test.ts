import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

test("a second up changes nothing, restarts nothing and still checks health", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));
  assertSucceeded(await deployment.stack.up());
  const [outputs, processes, connections] = [
    await deployment.servers(),
    await serverProcesses(host),
    await acceptedConnections(),
  ];

  const second = await deployment.stack.up({ expectNoChanges: true });

  assertSucceeded(second);
  assert.deepEqual(await deployment.servers(), outputs);
  assert.deepEqual(await serverProcesses(host), processes);
  assert.ok((await acceptedConnections()) > connections, "nobody looked at the host");
  assertSucceeded(await deployment.stack.preview({ expectNoChanges: true }));

  async function acceptedConnections(): Promise<number> {
    const { stdout } = await host.run("journalctl -u ssh --no-pager | grep -c 'Accepted publickey'");
    return Number(stdout);
  }
});
