import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { anotherRelease } from "../install/release-variants.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { footprint, install, resultOf, serverProcesses, statusOf } from "./installed-host.ts";

const bob = { name: "bob", sudo: "none" } as const;

let releases: string;
let second = "";
before(async () => {
  releases = await mkdtemp(join(tmpdir(), "vpnserver-releases-"));
  second = await anotherRelease(releases, "second");
});
after(() => rm(releases, { recursive: true, force: true }));

/** Puts a file system of its own at a place of the host, for as long as it is not booted. */
async function mount(host: Host, place: string, options: string): Promise<void> {
  await host.console(`mkdir -p ${place} && mount -t tmpfs -o ${options} none ${place}`);
}

test("a host without any firewall program is not waited for", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  await host.console("rm -f /usr/sbin/ufw /usr/sbin/nft /usr/sbin/iptables*");
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const begin = performance.now();
    await work();
    return performance.now() - begin;
  };
  const { firewall } = resultOf(await install(host));
  assert.equal(firewall.manager, "none");
  for (const command of ["./vpnserver-upload install", "vpnserver firewall show", "vpnserver uninstall"]) {
    const ms = await timed(() => host.run(command));
    assert.ok(ms < 20_000, `${command}: ${ms} ms`);
  }
});

describe("a first install that cannot be", () => {
  for (const [what, prepare, words, error] of [
    [
      "on a read-only /opt",
      (host: Host) => mount(host, "/opt", "ro"),
      [],
      /cannot make the folder \/opt\/vpnserver: .*mounted read-only \(EROFS\): mount it writable, or name another folder with --prefix/,
    ],
    [
      "on an /opt that does not let programs run",
      (host: Host) => mount(host, "/opt", "noexec"),
      [],
      /file system of \/opt\/vpnserver does not let programs run .*noexec.*--prefix; nothing was left on this host/,
    ],
    [
      "on a full /opt",
      (host: Host) => mount(host, "/opt", "size=20m"),
      [],
      /cannot put the release into \/opt\/vpnserver\/releases: .* is full \(ENOSPC\): make room there, .*--prefix; nothing was left on this host/,
    ],
    [
      "on a full disk for the state",
      async (host: Host) => {
        await mount(host, "/srv", "size=64k");
        await host.console("head -c 60K /dev/zero > /srv/fill; true");
      },
      ["--state-dir", "/srv/state"],
      /cannot write .*\/srv\/state\/\S+: the file system of \/srv\/state\S* is full \(ENOSPC\): make room there.*nothing was left on this host/s,
    ],
    [
      "on a read-only state directory",
      (host: Host) => mount(host, "/srv", "ro"),
      ["--state-dir", "/srv/state"],
      /cannot make the state directory \/srv\/state: .*read-only \(EROFS\).*--state-dir; nothing was left on this host/,
    ],
    [
      "where a file is in the way of the folder",
      (host: Host) => host.console("touch /srv/file"),
      ["--prefix", "/srv/file/vpnserver"],
      /cannot make the folder \/srv\/file\/vpnserver: a part of that path is a file/,
    ],
    [
      "where a file is in the way of the state",
      (host: Host) => host.console("touch /srv/file"),
      ["--state-dir", "/srv/file"],
      /the state directory \/srv\/file is a file: move it away/,
    ],
  ] as const) {
    test(`${what} says so, and leaves nothing behind`, async () => {
      await using lab = await Lab.create();
      const host = await lab.host("alpha", { firewall: "nftables" });
      await prepare(host);
      await host.run("touch vpnserver-upload && chmod 755 vpnserver-upload");
      const clean = await footprint(host);
      const end = await install(host, words);
      assert.notEqual(end.code, 0);
      assert.match(end.stderr, error);
      assert.doesNotMatch(end.stderr, /:;|: ,|undefined|\[object/);
      assert.deepEqual(await serverProcesses(host), []);
      assert.deepEqual(await footprint(host), clean);
    });
  }

  test("in a home that does not let programs run says so, and another folder helps", async () => {
    await using lab = await Lab.create();
    const host = await lab.host("alpha", { users: [bob] });
    await mount(host, "/home/bob/vpnserver", "noexec,mode=755,uid=$(id -u bob)");
    await host.console("mkdir -p /srv/bob && chown bob /srv/bob");
    const end = await install(host, [], { user: "bob" });
    assert.equal(end.code, 10);
    assert.match(end.stderr, /file system of \/home\/bob\/vpnserver does not let programs run.*--prefix/);
    assert.equal((await host.console("ls -A /home/bob/vpnserver")).stdout, "");
    assert.equal(resultOf(await install(host, ["--prefix", "/srv/bob"], { user: "bob" })).mode, "user");
  });
});

test("an update on a full disk says so, and leaves the server as it was", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  await mount(host, "/opt", "size=180m");
  const { sha256 } = resultOf(await install(host));
  await host.console("head -c 200M /dev/zero > /opt/fill; true");
  const status = await statusOf(host);
  const clean = await footprint(host);

  const end = await install(host, [], { release: second });
  assert.equal(end.code, 1);
  assert.match(end.stderr, /cannot (put the release into|write) \/opt\/vpnserver\S*: .* is full \(ENOSPC\)/);
  assert.doesNotMatch(end.stderr, /going back|nothing was left/);
  assert.deepEqual(await statusOf(host), status);
  assert.equal(status.release, sha256);
  // Without what the server itself writes.
  const ofServer = (lines: string[]) =>
    lines.filter((line) => !/vpnserver-upload|\/var\/lib\/vpnserver\//.test(line));
  assert.deepEqual(ofServer(await footprint(host)), ofServer(clean));

  // What is as it should be needs no room, and what goes away needs none either.
  assert.equal(resultOf(await install(host)).changed, false);
  await host.run("vpnserver uninstall --purge");
  assert.deepEqual(await serverProcesses(host), []);
  assert.equal((await host.console("ls -A /opt")).stdout, "fill\n");
});

test("ports that none of can be opened are told with the reason of each", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("alpha");
  await host.run("systemd-run --quiet --collect systemd-socket-activate -l 8443 -a cat");
  await host.run("timeout 10 sh -c 'until ss -ltn | grep -q \":8443 \"; do sleep 0.1; done'");
  const end = await install(host, ["--listeners", "8443"]);
  assert.equal(end.code, 6);
  assert.match(
    end.stderr,
    /none of the listeners could be opened: TCP 8443: EADDRINUSE: [^\n]+; nothing was left on this host/,
  );
});
