import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";

test("a preview dials nobody, before the first up and after it", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host));

  await host.run("systemctl stop ssh.socket ssh.service 2>/dev/null; true", { check: false });
  assertSucceeded(await deployment.stack.preview());
  await host.console("systemctl start ssh.service");

  assertSucceeded(await deployment.stack.up());
  await host.powerOff();
  assertSucceeded(await deployment.stack.preview());
});
