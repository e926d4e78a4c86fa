import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";

test("each server has an administrator with a password of its own, whom no other password lets in from the network", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, bravo, desk] = await Promise.all([
    lab.host("alpha", { firewall: "nftables" }),
    lab.host("bravo", { users: [{ name: "carol", sudo: "none" }] }),
    lab.station("desk"),
  ]);
  await deployment.configure(entryOf(alpha), entryOf(bravo, { user: "carol" }));
  assertSucceeded(await stack.up());
  const { adminPasswords } = (await stack.outputs()) as { adminPasswords: Record<string, string> };
  const { alpha: ofAlpha = "", bravo: ofBravo = "" } = adminPasswords;
  assert.ok(ofAlpha.length >= 24 && ofBravo.length >= 24 && ofAlpha !== ofBravo);

  const administer = (address: string, port: number, password: string, method: string) =>
    desk.run("curl", [
      ...["--insecure", "--silent", "--show-error", "--max-time", "20"],
      ...["--user", `administrator:${password}`, "--write-out", "\n%{http_code}"],
      ...["--data", JSON.stringify({ jsonrpc: "2.0", id: "1", method, params: {} })],
      `https://${address}:${port}/api/`,
    ]);
  for (const [host, port, password] of [
    [alpha, 443, ofAlpha],
    [bravo, 5555, ofBravo],
  ] as const) {
    const { stdout } = await administer(host.address, port, password, "EnumHub");
    assert.match(stdout, /"HubName_str":"DEFAULT"[^]*\n200$/);
    for (const wrong of ["", "administrator", host === alpha ? ofBravo : ofAlpha]) {
      assert.match((await administer(host.address, port, wrong, "EnumHub")).stdout, /\n401$/);
    }
    const vpncmd = await desk.run("vpncmd", [
      ...[`${host.address}:${port}`, "/SERVER", `/PASSWORD:${password}`],
      ...["/CMD", "HubCreate", "Made", "/PASSWORD:by hand"],
    ]);
    assert.match(vpncmd.stdout, /The command completed successfully/);
  }
  assert.ok(!JSON.stringify(await stack.outputs({ showSecrets: false })).includes(ofAlpha));
  assert.ok(!(await stack.exportState()).includes(ofAlpha));

  // What was made by hand stays, and so does the password.
  assertSucceeded(await stack.up());
  assert.deepEqual(((await stack.outputs()) as { adminPasswords: unknown }).adminPasswords, adminPasswords);
  assert.match((await administer(alpha.address, 443, ofAlpha, "EnumHub")).stdout, /"HubName_str":"Made"/);
});
