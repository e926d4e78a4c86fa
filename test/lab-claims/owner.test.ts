import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUninstallResult } from "../../server/contract/uninstall-result.ts";
import { Lab } from "../lab/lab.ts";
import { footprint, install, resultOf, serverProcesses } from "./installed-host.ts";

const users = [{ name: "alice", sudo: "passwordless" }] as const;
const executable = "/opt/vpnserver/current/vpnserver";

function words(id: string, stack: string, name: string): string[] {
  return ["--owner-id", id, "--owner-stack", `'${stack}'`, "--owner-name", `'${name}'`];
}

test("a service belongs to its deployment, also when its user needs sudo for it", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { users });
  const stack = "organization/vpn server/prod";
  const first = resultOf(await install(host, words("id-of-paris", stack, "fleet-paris"), { user: "alice" }));
  assert.equal(first.mode, "service");
  assert.deepEqual(first.owner, { id: "id-of-paris", stack, name: "fleet-paris" });

  const refused = await install(host, words("id-elsewhere", "o/p/dev", "fleet-paris"), { user: "alice" });
  assert.equal(refused.code, 12);
  assert.match(refused.stderr, /belongs to "fleet-paris" of organization\/vpn server\/prod, and nothing/);
  const damaged = await install(host, ["--sha256", "0".repeat(64)], { user: "alice" });
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /its SHA-256 is/);

  const renamed = resultOf(await install(host, words("id-of-lyon-", stack, "fleet-lyon"), { user: "alice" }));
  assert.match(renamed.warnings.join(), /was "fleet-paris" of the same stack and is now "fleet-lyon"/);
  assert.equal(renamed.tlsFingerprint, first.tlsFingerprint);
  const stays = await host.run(`${executable} uninstall --purge --json --owner-id id-of-paris`, {
    user: "alice",
  });
  const result = parseUninstallResult(JSON.parse(stays.stdout));
  assert.equal(result.removed, false);
  assert.equal(result.owner?.name, "fleet-lyon");
  assert.equal((await host.run("vpnserver check")).code, 0);

  const adopted = resultOf(
    await install(host, [...words("id-elsewhere", "o/p/dev", "fleet-paris"), "--adopt"], { user: "alice" }),
  );
  assert.match(adopted.warnings.join(), /belonged to "fleet-lyon" of .* and was adopted/);
  await host.run(`${executable} uninstall --purge --owner-id id-elsewhere`, { user: "alice" });
  assert.deepEqual(await serverProcesses(host), []);
});

test("uninstall keeps the state of a service, and --purge takes it away afterwards, by sudo too", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha", { users });
  for (const user of ["root", "alice"]) {
    await host.run("touch vpnserver-upload && chmod 755 vpnserver-upload", { user });
    const clean = await footprint(host);
    const { tlsFingerprint } = resultOf(await install(host, [], { user }));
    const { stdout } = await host.run(`${executable} uninstall`, { user });
    assert.match(
      stdout,
      /\/var\/lib\/vpnserver stays\nTo take the state away too: .*--state-dir \/var\/lib\/vpnserver/,
    );
    assert.equal(resultOf(await install(host, [], { user })).tlsFingerprint, tlsFingerprint);
    // While a service has it, it is not taken away by another name.
    const inUse = await host.run(
      "./vpnserver-upload uninstall --purge --prefix /opt/other --state-dir /var/lib/vpnserver",
      {
        user,
        check: false,
      },
    );
    assert.equal(inUse.code, 1);
    assert.match(inUse.stderr, /belongs to the service of .*vpnserver\.service, and nothing was changed/);
    await host.run(`${executable} uninstall`, { user });

    const purge = "./vpnserver-upload uninstall --prefix /opt/vpnserver --purge";
    assert.match(
      (await host.run(purge, { user })).stdout,
      /^The state in \/var\/lib\/vpnserver was taken away/,
    );
    assert.deepEqual(await footprint(host), clean);
    assert.equal((await host.run(purge, { user, check: false })).code, 8);
  }
});
