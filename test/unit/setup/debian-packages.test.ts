import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { missingFrom } from "../../../tools/setup/debian-packages.ts";

describe("missingFrom", () => {
  const list = [
    "ii  openssh-server",
    "rc  removed",
    "un  unknown",
    "iU  half-done",
    "hi  held",
    "ii  procps",
  ].join("\n");

  test("keeps the names that dpkg does not list as installed, in their order", () => {
    const names = ["unheard-of", "openssh-server", "removed", "unknown", "half-done", "held", "procps"];
    assert.deepEqual(missingFrom(list, names), ["unheard-of", "removed", "unknown", "half-done"]);
  });

  test("takes no part of a name for the name", () => {
    assert.deepEqual(missingFrom(list, ["openssh", "openssh-server-extra"]), [
      "openssh",
      "openssh-server-extra",
    ]);
  });
});
