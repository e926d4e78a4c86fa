import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nearestName } from "../../../components/arguments/nearest-name.ts";

const known = ["listeners", "mode", "host", "port", "hostKey", "uninstallOnDestroy"];

describe("nearestName", () => {
  const slips = {
    listners: "listeners",
    Listeners: "listeners",
    lsiteners: "listeners",
    listener: "listeners",
    hostkey: "hostKey",
    host_key: "hostKey",
    prot: "port",
    uninstalOnDestory: "uninstallOnDestroy",
  };
  for (const [slip, meant] of Object.entries(slips)) {
    test(`takes ${slip} for ${meant}`, () => {
      assert.equal(nearestName(slip, known), meant);
    });
  }

  test("takes what is far from every name for none of them", () => {
    for (const name of ["", "x", "firewall", "dns", "z".repeat(10_000)]) {
      assert.equal(nearestName(name, known), undefined);
    }
  });
});
