import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bridgeableInterfaces, bridgeSupport } from "../../../server/packet-device/bridge-support.ts";

test("interfaces of Ethernet can be bridged, but for TAPs of bridges", async () => {
  const folder = await mkdtemp(join(tmpdir(), "interfaces-"));
  for (const [name, kind] of [
    ["wg0", "65534"],
    ["eth1", "1"],
    ["tap_vpn", "1"],
    ["lo", "772"],
    ["br0", "1"],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "type"), `${kind}\n`);
  }
  // As a file that drivers of bonds put there.
  await writeFile(join(folder, "bonding_masters"), "\n");
  assert.deepEqual(await bridgeableInterfaces(folder), ["br0", "eth1"]);
  assert.deepEqual(await bridgeableInterfaces(join(folder, "none")), []);
  await rm(folder, { recursive: true });
});

test("without native calls nothing can be bridged, for their reason", () => {
  const support = bridgeSupport({ available: false, reason: "not made for win32" });
  for (const each of [support.interfaces, support.taps]) {
    assert.ok(each !== true);
    assert.equal(each.reason, "not made for win32");
  }
});
