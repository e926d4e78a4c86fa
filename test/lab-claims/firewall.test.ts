import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFirewallResult } from "../../server/contract/firewall-report.ts";
import { Lab } from "../lab/lab.ts";
import { install, reachable, resultOf } from "./installed-host.ts";

const ports = [22, 443, 992, 5555, 8080];
const open = [22, 443, 992, 5555];

for (const firewall of ["nftables", "ufw"] as const) {
  test(`${firewall} lets other hosts in, also after its rules are loaded anew and after a boot, until uninstall`, async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha", { firewall });
    await listen(8080);
    assert.deepEqual(await reachable(lab, host, ports), [22]);

    const { firewall: report } = resultOf(await install(host));
    assert.equal(report.manager, firewall);
    assert.deepEqual(report.ports, [443, 992, 5555]);
    assert.deepEqual(await reachable(lab, host, ports), open);

    await host.run(firewall === "nftables" ? "systemctl reload nftables" : "ufw reload");
    assert.deepEqual(await reachable(lab, host, ports), open);
    await host.reboot();
    await listen(8080);
    assert.deepEqual(await reachable(lab, host, ports), open);

    await host.run("vpnserver uninstall");
    // Others listen there now, so that what is not reached is stopped by the firewall.
    for (const port of [443, 5555]) await listen(port);
    assert.deepEqual(await reachable(lab, host, ports), [22]);
    await host.reboot();
    for (const port of [443, 5555]) await listen(port);
    assert.deepEqual(await reachable(lab, host, ports), [22]);

    async function listen(port: number): Promise<void> {
      await host.run(`systemd-run --quiet --collect systemd-socket-activate -l ${port} -a cat`);
      await host.run(`timeout 10 sh -c 'until ss -ltn | grep -q ":${port} "; do sleep 0.1; done'`);
    }
  });

  test(`${firewall} keeps what the administrator opened, when listeners change and when the server goes`, async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha", { firewall });
    const rule =
      firewall === "nftables" ? "nft add rule inet filter input tcp dport 992 accept" : "ufw allow 992/tcp";
    await host.run(rule);
    const rules = async () =>
      (await host.run("nft list ruleset 2>/dev/null; ufw show added 2>/dev/null; true")).stdout
        .split("\n")
        .filter((line) => line.includes("vpnserver"))
        .map((line) => /(\d+)/.exec(line)?.[1]);
    resultOf(await install(host));
    assert.deepEqual(await rules(), ["443", "5555"]);
    resultOf(await install(host, ["--listeners", "992,8443"]));
    assert.deepEqual(await rules(), ["8443"]);
    assert.deepEqual(await reachable(lab, host, [22, 443, 992, 5555, 8443]), [22, 992, 8443]);

    const { firewall: report } = resultOf(await install(host, ["--no-open-firewall"]));
    assert.equal(report.manager, "unmanaged");
    assert.match(report.message, /left alone, as asked for: .*administrator has to open TCP 992 and 8443/);
    assert.deepEqual(await rules(), []);
    await host.run("vpnserver uninstall");
    assert.match(
      (await host.run("nft list ruleset; ufw show added")).stdout,
      /dport 992 .*accept|allow 992\/tcp/,
    );
  });
}

test("rules that nothing loads at boot are made anew by each start of the service", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { firewall: "nftables" });
  // An administrator's own way: another unit loads another file.
  await host.run(
    "systemctl disable --now nftables && mv /etc/nftables.conf /etc/own.rules && " +
      "printf '[Service]\\nType=oneshot\\nExecStart=/usr/sbin/nft -f /etc/own.rules\\n[Install]\\nWantedBy=sysinit.target\\n[Unit]\\nDefaultDependencies=no\\nBefore=network.target\\n' > /etc/systemd/system/own-rules.service && " +
      "systemctl daemon-reload && systemctl enable --now own-rules",
  );
  const { firewall } = resultOf(await install(host));
  assert.match(firewall.message, /each start of the service opens them again/);
  assert.deepEqual(await reachable(lab, host, open), open);
  await host.reboot();
  assert.deepEqual(await reachable(lab, host, open), open);
  assert.equal(resultOf(await install(host)).changed, false);
});

test("a host without a firewall is said to be open", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  const { firewall } = resultOf(await install(host));
  assert.deepEqual(firewall, {
    manager: "none",
    ports: [443, 992, 5555],
    message:
      "no firewall of this host stops TCP 443, 992 and 5555: whoever reaches the host reaches the server",
  });
  assert.deepEqual(await reachable(lab, host, ports), open);
});

test("a firewall that is none of ours is left alone, and an administrator told what to do", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  // As firewalld makes it; the program itself is not needed to see that it rules.
  await host.run(
    "nft 'add table inet firewalld; add chain inet firewalld filter_INPUT { type filter hook input priority 10; policy accept; }'",
  );
  const before = (await host.run("nft list ruleset")).stdout;
  const { firewall } = resultOf(await install(host));
  assert.equal(firewall.manager, "unmanaged");
  assert.match(
    firewall.message,
    /firewalld rules this host.*administrator has to open TCP 443, 992 and 5555/,
  );
  assert.equal((await host.run("nft list ruleset")).stdout, before);
});

test("the firewall command opens, shows and closes, for root alone", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { firewall: "nftables", users: [{ name: "bob", sudo: "none" }] });
  resultOf(await install(host, ["--no-open-firewall"]));
  assert.match((await host.run("vpnserver firewall show")).stdout, /nftables stops TCP 443, 992 and 5555/);
  await host.run("vpnserver firewall open --ports 443");
  assert.deepEqual(await reachable(lab, host, open), [22, 443]);
  const { stdout } = await host.run("vpnserver firewall show --json");
  assert.deepEqual(parseFirewallResult(JSON.parse(stdout)).ports, [443]);
  const refused = await host.run("vpnserver firewall open", { user: "bob", check: false });
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /only root/);
  await host.run("vpnserver firewall close");
  assert.deepEqual(await reachable(lab, host, open), [22]);
  // What was opened by hand goes with the server too.
  await host.run("vpnserver firewall open --ports 5555 && vpnserver uninstall");
  assert.doesNotMatch((await host.run("nft list ruleset; cat /etc/nftables.conf")).stdout, /vpnserver/);
});
