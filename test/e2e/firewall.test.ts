import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";

for (const firewall of ["nftables", "ufw"] as const) {
  test(`with ${firewall}, up opens the listeners to other hosts, also after a reboot, and destroy closes them`, async () => {
    await using deployment = await Deployment.create();
    const { lab } = deployment;
    const host = await lab.host("alpha", { firewall });
    await deployment.configure(entryOf(host));

    assertSucceeded(await deployment.stack.up());
    for (const port of [443, 992, 5555]) assert.equal(await answers(port), true, `port ${port} is closed`);
    assert.equal(await answers(22), true);
    assert.equal(await answers(8080), false);

    await host.reboot();
    for (const port of [443, 992, 5555])
      assert.equal(await answers(port), true, `port ${port} is closed after the reboot`);

    // Something else listens there once the server is gone, so that a refusal is the firewall's.
    assertSucceeded(await deployment.stack.destroy());
    await host.run("systemd-socket-activate -l 5555 -a cat >/dev/null 2>&1 & sleep 0.2");
    assert.equal(await answers(5555), false, "port 5555 is still open after destroy");
    assert.equal(await answers(22), true);

    async function answers(port: number): Promise<boolean> {
      const { code } = await lab.outsider.run(
        "timeout",
        ["2", "bash", "-c", `exec 3<>/dev/tcp/${host.address}/${port}`],
        { check: false },
      );
      return code === 0;
    }
  });
}

test("in user mode, up tells what an administrator has to open", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha", {
    firewall: "nftables",
    users: [{ name: "alice", sudo: "none" }],
  });
  await deployment.configure(entryOf(host, { user: "alice" }));
  const before = (await host.run("nft list ruleset")).stdout;

  const up = await deployment.stack.up();

  assertSucceeded(up);
  const { firewall } = await deployment.server("alpha");
  assert.equal(firewall?.manager, "unmanaged");
  assert.match(firewall.message, /administrator.*5555/is);
  assert.equal((await host.run("nft list ruleset")).stdout, before);
});
