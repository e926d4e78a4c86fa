import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { checkProc, endedChildren } from "../../../server/platform/proc.ts";

describe("what /proc tells", () => {
  let proc: string;
  beforeEach(() => (proc = mkdtempSync(join(tmpdir(), "vpnserver-proc-"))));
  afterEach(() => rmSync(proc, { recursive: true, force: true }));

  function put(pid: string, stat: string): void {
    mkdirSync(join(proc, pid));
    writeFileSync(join(proc, pid, "stat"), stat);
  }

  test("of children that have ended: those of that parent, whatever they are called", () => {
    put("11", "11 (sh) Z 1 11 0");
    put("12", "12 (a) Z 2) (b) Z 1 12 0");
    put("13", "13 (sh) Z 2 13 0");
    put("14", "14 (sh) S 1 14 0");
    put("15", "");
    mkdirSync(join(proc, "16"));
    put("self", "17 (sh) Z 1 17 0");
    assert.deepEqual(endedChildren(1, proc), [11, 12]);
  });

  test("has to be there", () => {
    assert.throws(() => checkProc(proc), {
      code: "UNSUPPORTED",
      message: /is not mounted, .*: mount it \(mount -t proc proc /,
    });
    put("self", "17 (sh) S 1 17 0");
    checkProc(proc);
    checkProc();
  });
});
