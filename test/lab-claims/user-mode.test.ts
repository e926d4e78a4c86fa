import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab } from "../lab/lab.ts";
import { footprint, install, resultOf, serverProcesses, statusOf } from "./installed-host.ts";

const bob = { name: "bob", sudo: "none" } as const;
const installed = "~/vpnserver/current/vpnserver";

test("a user without sudo gets a server of the user's own on 5555, which outlives the SSH connection", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { users: [bob] });
  const result = resultOf(await install(host, [], { user: "bob" }));
  assert.equal(result.mode, "user");
  assert.match(result.reason, /^the user "bob" is not root, and sudo asks for more than the user has/);
  assert.deepEqual(
    result.listeners.map(({ port, state }) => [port, state]),
    [
      [443, "Error"],
      [992, "Error"],
      [5555, "Listening"],
    ],
  );
  // Ports that a user may not open are a fact of user mode, and no warning.
  assert.match(result.listeners[0]?.reason ?? "", /^EACCES: TCP port 443 needs root here/);
  assert.equal(result.warnings.length, 1);
  assert.match(
    result.warnings.join(),
    /^user mode was chosen because the user "bob" is not root, and sudo asks for more .*: nothing starts the server at boot.*; for service mode let .* sudo without a password, or install as root; .*--mode user/,
  );
  assert.match(
    result.firewall.message,
    /user mode changes no firewall: .*administrator has to open TCP 5555/,
  );

  // The connection breaks: the SSH server's processes of the user end, and with them the session.
  await host.run(
    "kill $(pgrep -u bob -x sshd); timeout 10 sh -c 'while pgrep -u bob -x sshd; do sleep 0.1; done'",
  );
  assert.equal((await serverProcesses(host)).length, 2);
  assert.equal((await host.run(`${installed} check`, { user: "bob" })).code, 0);
  const again = resultOf(await install(host, [], { user: "bob" }));
  assert.equal(again.changed, false);
  assert.deepEqual(again.warnings, result.warnings);
  assert.deepEqual(resultOf(await install(host, ["--mode", "user"], { user: "bob" })).warnings, []);
});

test("nothing of user mode starts at a boot; the next install brings it back", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { users: [bob] });
  const { tlsFingerprint } = resultOf(await install(host, [], { user: "bob" }));
  await host.reboot();
  assert.deepEqual(await serverProcesses(host), []);
  const again = resultOf(await install(host, [], { user: "bob" }));
  assert.equal(again.changed, true);
  assert.equal(again.tlsFingerprint, tlsFingerprint);
  assert.equal((await statusOf(host, installed, "bob")).release, again.sha256);
});

test("a host that ends processes with the session is told of, unless the user lingers", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { users: [bob] });
  await host.run(
    "mkdir -p /etc/systemd/logind.conf.d && printf '[Login]\\nKillUserProcesses=yes\\n' > /etc/systemd/logind.conf.d/kill.conf && systemctl restart systemd-logind",
  );
  const warned = resultOf(await install(host, [], { user: "bob" })).warnings.join("\n");
  assert.match(warned, /KillUserProcesses.*loginctl enable-linger/);
  await host.run("mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/bob");
  assert.doesNotMatch(resultOf(await install(host, [], { user: "bob" })).warnings.join("\n"), /linger/);
});

test("uninstall leaves the user's home and the host as they were", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { firewall: "nftables", users: [bob] });
  await host.run("touch vpnserver-upload && chmod 755 vpnserver-upload", { user: "bob" });
  const before = await footprint(host);
  resultOf(await install(host, [], { user: "bob" }));
  await host.run(`${installed} uninstall --purge`, { user: "bob" });
  assert.deepEqual(await serverProcesses(host), []);
  assert.deepEqual(await footprint(host), before);
});

test("auto keeps user mode for a user who was given sudo since, and a service is refused until it is gone", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { users: [{ name: "alice", sudo: "passwordless" }] });
  resultOf(await install(host, ["--mode", "user"], { user: "alice" }));
  const kept = resultOf(await install(host, [], { user: "alice" }));
  assert.equal(kept.mode, "user");
  assert.match(kept.reason, /it is installed so already, in \/home\/alice\/vpnserver/);
  const refused = await install(host, ["--mode", "service"], { user: "alice" });
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /take it away first \(\/home\/alice\/vpnserver\/current\/vpnserver uninstall\)/,
  );
  await host.run(`${installed} uninstall`, { user: "alice" });
  assert.equal(resultOf(await install(host, [], { user: "alice" })).mode, "service");
});
