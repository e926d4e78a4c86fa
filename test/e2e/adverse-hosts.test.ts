import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFailed, assertSucceeded, Deployment, entryOf, serverProcesses } from "./support/deployment.ts";

/** Leftovers of a deployment in the places where uploads go. */
const leftovers = "ls -d ~/.vpnserver-* /tmp/.vpnserver-* /var/tmp/.vpnserver-* 2>/dev/null || true";

test("a host without base64, gzip, ufw and SFTP is deployed to and left clean, and nothing waits for them", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha");
  await host.run(
    "rm -f /usr/bin/base64 /bin/gzip /usr/bin/gzip /usr/sbin/ufw /usr/lib/openssh/sftp-server && " +
      "sed -i /sftp/d /etc/ssh/sshd_config && systemctl reload ssh",
  );
  await deployment.configure(entryOf(host));

  assertSucceeded(await deployment.stack.up());

  const { adminPasswords } = (await deployment.stack.outputs()) as { adminPasswords: Record<string, string> };
  assert.match(adminPasswords["alpha"] ?? "", /^[\w-]{24}$/);
  assert.equal((await host.run(leftovers)).stdout, "");
  const begin = performance.now();
  await host.run("/opt/vpnserver/current/vpnserver firewall show");
  assert.ok(performance.now() - begin < 15_000, "a program that is missing was waited for");
  assertSucceeded(await deployment.stack.destroy());
});

test("the home of the login user may be mounted noexec, in both modes", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha", {
    users: [
      { name: "alice", sudo: "none" },
      { name: "bob", sudo: "passwordless" },
    ],
  });
  for (const home of ["/home/alice", "/home/bob"]) {
    await host.run(`mount --bind ${home} ${home} && mount -o remount,bind,noexec ${home}`);
  }
  await host.run("mkdir /srv/alice && chown alice /srv/alice");
  await deployment.configure(entryOf(host, { user: "alice", mode: "user" }));
  // The default folder of user mode is in the home.
  assertFailed(await deployment.stack.up(), /noexec/);
  assert.equal((await host.run(leftovers, { user: "alice" })).stdout, "");

  await deployment.configure(entryOf(host, { user: "alice", mode: "user", directory: "/srv/alice/vpn" }));
  assertSucceeded(await deployment.stack.up());
  assert.equal((await serverProcesses(host)).length, 2);
  assertSucceeded(await deployment.stack.destroy());
  assert.deepEqual(await serverProcesses(host), []);

  await deployment.configure(entryOf(host, { user: "bob" }));
  assertSucceeded(await deployment.stack.up());
  assert.equal((await deployment.server("alpha")).mode, "service");
});

test("the login shell may be csh and print a greeting, and another login user takes over", async () => {
  await using deployment = await Deployment.create();
  const host = await deployment.lab.host("alpha", {
    users: [
      { name: "alice", sudo: "passwordless" },
      { name: "bob", sudo: "passwordless" },
    ],
  });
  await host.run("usermod -s /bin/tcsh alice && printf 'echo Welcome\\n' >/home/alice/.tcshrc");
  await host.run("printf 'echo Welcome\\n%s' \"$(cat /home/bob/.bashrc 2>/dev/null)\" >/home/bob/.bashrc");
  await deployment.configureHubs({ name: "DEFAULT", users: [{ name: "dora", anonymous: true }] });
  await deployment.configure(entryOf(host, { user: "alice" }));
  assertSucceeded(await deployment.stack.up());
  assertSucceeded(await deployment.stack.up({ expectNoChanges: true }));
  const { certificate } = await deployment.server("alpha");

  await deployment.configure(entryOf(host, { user: "bob" }));
  assertSucceeded(await deployment.stack.up());
  assert.equal((await deployment.server("alpha")).certificate, certificate);

  // Another user again, and other listeners, on a host that has lost everything.
  await host.run(
    "systemctl stop vpnserver; rm -rf /opt/vpnserver /var/lib/vpnserver /etc/systemd/system/vpnserver.service",
  );
  await deployment.configure(entryOf(host, { user: "alice", listeners: [5555] }));
  const up = await deployment.stack.up();
  assertSucceeded(up);
  assert.match(up.stdout, /the server has another certificate than before/);

  assertSucceeded(await deployment.stack.destroy());
  assert.deepEqual(await serverProcesses(host), []);
});

test("a host that is gone is told of soon, with the way to forget it, which dials nobody", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, bravo] = await Promise.all([lab.host("alpha"), lab.host("bravo")]);
  await deployment.configure(entryOf(alpha), entryOf(bravo));
  assertSucceeded(await stack.up());
  await bravo.powerOff();
  await deployment.configure(entryOf(alpha));

  const begin = performance.now();
  const up = await stack.up();

  assert.ok(performance.now() - begin < 45_000, "it took too long");
  assertFailed(up, /VpnServer "fleet-bravo" could not be taken off its host.*pulumi state delete/s);
  const urn = /pulumi state delete --target-dependents '(\S+)'/.exec(up.stdout)?.[1];
  assert.ok(urn, up.stdout);
  await stack.forget(urn);
  assertSucceeded(await stack.up());
  assertSucceeded(await stack.up({ expectNoChanges: true }));
});

test("a host whose server is not to be taken off it is forgotten without a dial", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const host = await lab.host("alpha");
  await deployment.configure(entryOf(host, { uninstallOnDestroy: false }));
  assertSucceeded(await stack.up());
  await host.powerOff();

  const begin = performance.now();
  assertSucceeded(await stack.destroy());
  assert.ok(performance.now() - begin < 15_000, "somebody was dialled");
});
