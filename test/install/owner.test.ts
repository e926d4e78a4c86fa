import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Manifest } from "../../server/install/manifest.ts";
import type { Owner } from "../../server/contract/owner.ts";
import { parseUninstallResult } from "../../server/contract/uninstall-result.ts";
import { sha256OfFile } from "../../server/install/releases.ts";
import { builtRelease, muteRelease } from "./release-variants.ts";
import { resultOf, TryInstall } from "./try-install.ts";

const paris: Owner = { id: "id-of-paris", stack: "organization/vpnserver/prod", name: "fleet-paris" };
const lyon: Owner = { ...paris, id: "id-of-lyon-", name: "fleet-lyon" };
const elsewhere: Owner = { ...paris, id: "id-elsewhere", stack: "organization/vpnserver/dev" };
const namesake: Owner = { ...paris, id: "another-id-of-paris" };

let releases: string;
let mute = "";
before(async () => {
  releases = await mkdtemp(join(tmpdir(), "vpnserver-releases-"));
  mute = await muteRelease(releases);
});
after(() => rm(releases, { recursive: true, force: true }));

function words({ id, stack, name }: Owner, ...more: string[]): string[] {
  return ["--owner-id", id, "--owner-stack", stack, "--owner-name", name, ...more];
}

async function manifestOf({ prefix }: TryInstall): Promise<Manifest> {
  return JSON.parse(await readFile(join(prefix, "install.json"), "utf8")) as Manifest;
}

describe("an installation belongs to", () => {
  test("the deployment that made it, by its id and under whatever labels", async () => {
    await using tried = await TryInstall.create();
    const first = resultOf(await tried.install({ words: words(paris) }));
    assert.deepEqual(first.owner, paris);
    assert.deepEqual((await manifestOf(tried)).owner, paris);
    assert.deepEqual((await tried.status()).owner, paris);
    assert.match((await tried.command("status")).stdout, /^ {2}owner {8}"fleet-paris" of /m);
    const manifest = await readFile(join(tried.prefix, "install.json"));
    const again = resultOf(await tried.install({ words: words(paris) }));
    assert.equal(again.changed, false);
    assert.deepEqual(again.warnings, []);
    assert.deepEqual(await readFile(join(tried.prefix, "install.json")), manifest);

    const renamed = { ...paris, stack: "organization/vpn/prod" };
    assert.equal(resultOf(await tried.install({ words: words(renamed) })).changed, true);
    assert.deepEqual((await manifestOf(tried)).owner, renamed);
    // By hand, on the host.
    const byHand = resultOf(await tried.install());
    assert.equal(byHand.changed, false);
    assert.deepEqual(byHand.owner, renamed);
  });

  test("the first deployment that comes, where it belonged to none", async () => {
    await using tried = await TryInstall.create();
    assert.equal(resultOf(await tried.install()).owner, undefined);
    assert.equal((await tried.status()).owner, undefined);
    const end = await tried.install({ words: words(paris) });
    assert.deepEqual(resultOf(end).owner, paris);
    assert.deepEqual(resultOf(end).warnings, []);
    assert.match(
      end.stderr,
      /belonged to no deployment: it is "fleet-paris" of organization\/vpnserver\/prod/,
    );
  });

  test("the new name of the same stack, and the old one can no longer take it away", async () => {
    await using tried = await TryInstall.create();
    const { tlsFingerprint } = resultOf(await tried.install({ words: words(paris) }));
    await writeFile(join(tried.state, "applied.json"), '{"hubs":{}}');
    const taken = resultOf(await tried.install({ words: words(lyon) }));
    assert.deepEqual(taken.warnings, [
      'this server was "fleet-paris" of the same stack and is now "fleet-lyon"',
    ]);
    assert.equal(taken.tlsFingerprint, tlsFingerprint);
    assert.deepEqual(resultOf(await tried.install({ words: words(lyon) })).warnings, []);
    assert.ok(existsSync(join(tried.state, "applied.json")));

    const stays = await tried.command("uninstall", "--purge", "--json", "--owner-id", paris.id);
    assert.equal(stays.code, 0, stays.stderr);
    const result = parseUninstallResult(JSON.parse(stays.stdout));
    assert.equal(result.removed, false);
    assert.deepEqual(result.owner, lyon);
    assert.match(stays.stderr, /nothing was changed: .* belongs to "fleet-lyon" of .* now, and stays/);
    const inWords = await tried.command("uninstall", "--owner-id", paris.id);
    assert.match(inWords.stdout, /^nothing was changed: .*"fleet-lyon"/);
    assert.equal((await tried.command("check")).code, 0);

    const gone = await tried.command("uninstall", "--purge", "--json", "--owner-id", lyon.id);
    assert.equal(parseUninstallResult(JSON.parse(gone.stdout)).removed, true);
    assert.deepEqual(await readdir(tried.directory), []);
  });

  for (const [who, other, whose] of [
    [
      "another stack",
      elsewhere,
      /belongs to "fleet-paris" of organization\/vpnserver\/prod, and nothing was changed/,
    ],
    [
      "a namesake",
      namesake,
      /belongs to another deployment of the same name.*id-of-paris, and not another-id-of-paris/,
    ],
  ] as const) {
    test(`its owner and not to ${who}, unless that adopts it`, async () => {
      await using tried = await TryInstall.create();
      resultOf(await tried.install({ words: words(paris) }));
      await writeFile(join(tried.state, "applied.json"), '{"hubs":{}}');
      const manifest = await readFile(join(tried.prefix, "install.json"));
      const status = await tried.status();

      const refused = await tried.install({ words: words(other, "--listeners", String(tried.ports[0])) });
      assert.equal(refused.code, 12);
      assert.match(refused.stderr, whose);
      assert.match(
        refused.stderr,
        /undo each other's changes; destroy the other one first, or .*adopt: true .*--adopt/,
      );
      assert.deepEqual(await readFile(join(tried.prefix, "install.json")), manifest);
      assert.deepEqual(await tried.status(), status);

      const failed = await tried.install({
        release: mute,
        words: words(other, "--adopt", "--health-timeout", "2"),
      });
      assert.equal(failed.code, 9, failed.stderr);
      assert.deepEqual((await manifestOf(tried)).owner, paris);
      assert.ok(existsSync(join(tried.state, "applied.json")));

      const adopted = resultOf(await tried.install({ words: words(other, "--adopt") }));
      assert.match(adopted.warnings.join(), /belonged to "fleet-paris" of .* and was adopted/);
      assert.equal(adopted.changed, true);
      assert.deepEqual((await manifestOf(tried)).owner, other);
      assert.deepEqual(
        (await readdir(tried.state)).filter((name) => name.startsWith("applied.json")),
        [],
      );
      // The flag stays in the program: it does nothing any more.
      const again = resultOf(await tried.install({ words: words(other, "--adopt") }));
      assert.equal(again.changed, false);
      assert.deepEqual(again.warnings, []);
    });
  }

  test("nobody else when it was broken off by a failure", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install({ words: words(paris) }));
    const failed = await tried.install({ release: mute, words: words(lyon, "--health-timeout", "2") });
    assert.equal(failed.code, 9);
    assert.deepEqual((await manifestOf(tried)).owner, paris);
    assert.equal((await tried.command("uninstall", "--owner-id", lyon.id)).code, 0);
    assert.equal((await tried.command("check")).code, 0);
  });
});

test("uninstall for a deployment takes away what belongs to none, and tells when nothing is there", async () => {
  await using tried = await TryInstall.create();
  resultOf(await tried.install());
  assert.equal((await tried.command("uninstall", "--owner-id", paris.id)).code, 0);
  assert.deepEqual(await readdir(tried.prefix), ["state"]);
  for (const more of [[], ["--purge"]]) {
    const end = await tried.uninstallBy(builtRelease, ["--owner-id", paris.id, ...more]);
    assert.equal(end.code, 8);
  }
  assert.ok(existsSync(join(tried.state, "server.key")));
});

test("an executable that is not the one that was asked for changes nothing", async () => {
  await using tried = await TryInstall.create();
  const end = await tried.install({ words: ["--sha256", "0".repeat(64)] });
  assert.equal(end.code, 1);
  assert.match(end.stderr, /its SHA-256 is [0-9a-f]{64}, and not 0{64}; nothing was changed: bring it/);
  assert.deepEqual(await readdir(tried.directory), []);
  const right = (await sha256OfFile(builtRelease)).toUpperCase();
  resultOf(await tried.install({ words: ["--sha256", right] }));
});

for (const [what, wrong, problem] of [
  ["a part of an owner", ["--owner-id", paris.id], /given together, or not at all/],
  ["an id that is too short", words({ ...paris, id: "short" }), /8 to 64 letters/],
  ["a label with a line break", words({ ...paris, name: "a\nb" }), /no control characters/],
  ["a label without an end", words({ ...paris, stack: "a".repeat(300) }), /1 to 256 characters/],
  ["a SHA-256 that is none", ["--sha256", "abc"], /64 hexadecimal digits/],
] as const) {
  test(`${what} is refused`, async () => {
    await using tried = await TryInstall.create();
    const end = await tried.install({ words: wrong });
    assert.equal(end.code, 2);
    assert.match(end.stderr, problem);
    assert.deepEqual(await readdir(tried.directory), []);
  });
}
