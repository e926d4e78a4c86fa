import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { statePathsOf } from "../../../server/state-paths.ts";
import { wantsBoxes } from "../../../server/windows/notices.ts";
import { choiceOf, trayMenu } from "../../../server/windows/tray-menu.ts";
import { readTrayShown, writeTrayShown } from "../../../server/windows/tray-setting.ts";

test("the menu of the icon hides it or ends the server, and says what it is of", () => {
  const items = trayMenu.filter((item) => item !== "separator");
  assert.deepEqual(
    items.map(({ number, text, isEnabled }) => [text, isEnabled, choiceOf(number)]),
    [
      ["SoftEther VPN Server (user mode)", false, undefined],
      ["&Hide This Icon", true, "hide"],
      ["E&xit SoftEther VPN Server", true, "exit"],
    ],
  );
  assert.equal(new Set(items.map(({ number }) => number)).size, items.length);
  assert.equal(choiceOf(0), undefined, "a menu that was closed");
});

test("whether the icon is shown is remembered, and nothing hides it by accident", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "vpnserver-tray-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const paths = statePathsOf(directory);
  assert.equal(await readTrayShown(paths), true);
  await writeTrayShown(paths, false);
  assert.equal(await readTrayShown(paths), false);
  await writeTrayShown(paths, true);
  assert.equal(await readTrayShown(paths), true);
  for (const content of ["", "{", "null", "[]", '{"shown":0}', '{"shown":"false"}']) {
    await writeFile(join(directory, "tray.json"), content);
    assert.equal(await readTrayShown(paths), true, content);
  }
});

test("boxes are for who runs the program by mouse", () => {
  const byMouse = { consoleProcesses: 1, hasDesktop: true, isRedirected: false, silent: false };
  assert.equal(wantsBoxes(byMouse), true);
  assert.equal(wantsBoxes({ ...byMouse, consoleProcesses: 0 }), true, "without a console");
  for (const other of [
    { consoleProcesses: 2 },
    // In a service or over SSH nobody would close it.
    { hasDesktop: false },
    { isRedirected: true },
    { silent: true },
  ]) {
    assert.equal(wantsBoxes({ ...byMouse, ...other }), false, JSON.stringify(other));
  }
});
