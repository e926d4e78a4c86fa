import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { findInitSystem } from "../../../server/init/init-systems.ts";

test("a host is run by systemd, or it is told what is missing", () => {
  assert.deepEqual(
    findInitSystem(),
    existsSync("/run/systemd/system")
      ? { title: "systemd" }
      : {
          reason: "systemd is not the running init of this host (there is no /run/systemd/system)",
          wayOut: "boot the host with systemd",
        },
  );
});
