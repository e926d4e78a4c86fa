import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Host } from "./host.ts";
import { Lab } from "./lab.ts";

const port = 5555;

describe("a host", () => {
  for (const firewall of ["nftables", "ufw"] as const) {
    test(`with ${firewall} lets SSH in and nothing else, also after a reboot, until a rule allows it`, async () => {
      await using lab = await Lab.create();
      const host = await lab.host("alpha", { firewall });
      await listen(host);

      assert.equal(await outsiderGets(lab, host, 22), "an answer");
      assert.equal(await outsiderGets(lab, host, port), "nothing");

      await host.reboot();
      await listen(host);
      assert.equal(await outsiderGets(lab, host, 22), "an answer");
      assert.equal(await outsiderGets(lab, host, port), "nothing");

      const allow = {
        nftables: `nft insert rule inet filter input tcp dport ${port} accept`,
        ufw: `ufw allow ${port}/tcp`,
      };
      await host.run(allow[firewall]);
      assert.equal(await outsiderGets(lab, host, port), "an answer");
    });
  }

  test("without a firewall is open", async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha");
    await listen(host);
    assert.equal((await host.run("nft list ruleset; ufw status")).stdout, "Status: inactive\n");
    assert.equal(await outsiderGets(lab, host, port), "an answer");
  });
});

/** Something that takes connections, so that silence is the firewall's. */
async function listen(host: Host): Promise<void> {
  await host.run(
    `systemd-run --quiet --unit=listener --service-type=exec systemd-socket-activate -a -l ${port} sleep 60`,
  );
  await host.run(`timeout 5 sh -c 'until ss -Hlnt sport = :${port} | grep -q .; do sleep 0.02; done'`);
}

async function outsiderGets(
  lab: Lab,
  host: Host,
  to: number,
): Promise<"an answer" | "a refusal" | "nothing"> {
  const knock = ["1", "bash", "-c", `exec 3<>/dev/tcp/${host.address}/${to}`];
  const { code, stderr } = await lab.outsider.run("timeout", knock, { check: false });
  if (code === 0) return "an answer";
  return /refused/.test(stderr) ? "a refusal" : "nothing";
}
