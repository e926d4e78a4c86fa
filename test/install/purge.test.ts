import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseUninstallResult } from "../../server/contract/uninstall-result.ts";
import { builtRelease } from "./release-variants.ts";
import { ended, resultOf, TryInstall } from "./try-install.ts";
import { spawn } from "node:child_process";

describe("uninstall --purge after an uninstall", () => {
  test("takes away the state that was kept, and then there is nothing", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const kept = await tried.command("uninstall");
    assert.match(
      kept.stdout,
      new RegExp(`${tried.state} stays\\nTo take the state away too: .*--purge --state-dir '.*state'`),
    );
    assert.ok(existsSync(join(tried.state, "server.key")));

    const purged = await tried.uninstallBy(builtRelease, ["--purge"]);
    assert.equal(purged.code, 0, purged.stderr);
    assert.match(purged.stdout, new RegExp(`^The state in ${tried.state} was taken away$`, "m"));
    assert.deepEqual(await readdir(tried.prefix), []);

    const nothing = await tried.uninstallBy(builtRelease, ["--purge"]);
    assert.equal(nothing.code, 8);
    assert.match(
      nothing.stderr,
      /nothing is installed in .*, and no state of a former installation is in .*state; /,
    );
  });

  test("takes away a state of any place that is named, and leaves what is not the server's", async () => {
    await using tried = await TryInstall.create();
    const state = join(tried.directory, "elsewhere");
    await mkdir(state);
    await writeFile(join(state, "mine"), "");
    resultOf(await tried.install({ words: ["--state-dir", state] }));
    await writeFile(join(state, "applied.json"), '{"hubs":{}}');
    assert.equal((await tried.command("uninstall")).code, 0);
    assert.equal((await tried.uninstallBy(builtRelease, ["--purge"])).code, 8);
    const end = await tried.uninstallBy(builtRelease, ["--purge", "--state-dir", state, "--json"]);
    assert.equal(end.code, 0, end.stderr);
    assert.deepEqual(parseUninstallResult(JSON.parse(end.stdout)), {
      removed: true,
      prefix: tried.prefix,
      stateDirectory: state,
      kept: [state],
    });
    assert.deepEqual(await readdir(state), ["mine"]);
  });

  test("takes nothing away that is no state directory, or that a server uses", async () => {
    await using tried = await TryInstall.create();
    const others = join(tried.directory, "others");
    await mkdir(others);
    for (const name of ["vpn_server.config", "vpnserver", "server.key"])
      await writeFile(join(others, name), "");
    const refused = await tried.uninstallBy(builtRelease, ["--purge", "--state-dir", others]);
    assert.equal(refused.code, 8);
    assert.equal((await readdir(others)).length, 3);

    resultOf(await tried.install());
    const another = await tried.uninstallBy(builtRelease, ["--purge", "--state-dir", others]);
    assert.equal(another.code, 2);
    assert.match(another.stderr, /is in .*state, and not in .*others: leave --state-dir out/);
    // Its record is lost, and the server runs.
    await rm(join(tried.prefix, "install.json"));
    const running = await tried.uninstallBy(builtRelease, ["--purge"]);
    assert.equal(running.code, 1);
    assert.match(running.stderr, /a server runs with the state in .*: stop it first/);
    assert.equal((await ended(spawn(builtRelease, ["--state-dir", tried.state, "check"]))).code, 0);
  });
});
