import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { assertFailed, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

test("a host that shows another key than the expected one is refused, and nothing is put there", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host, { hostKey: someOtherKey() }));

  assertFailed(await deployment.stack.up(), /"fleet-alpha".*host key .*is not the expected one/s);

  assert.deepEqual(await serverProcesses(host), []);
  assert.equal((await host.run("ls -A | grep vpnserver", { check: false })).stdout, "");
});

test("without a host key nothing is dialled, and the way to get one is told", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await deployment.configure(entryOf(host, { hostKey: undefined }));

  assertFailed(await deployment.stack.up(), /hostKey is missing.*ssh-keyscan -t ed25519/s);
});

function someOtherKey(): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const type = Buffer.from("ssh-ed25519");
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, type.length]),
    type,
    Buffer.from([0, 0, 0, raw.length]),
    raw,
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}
