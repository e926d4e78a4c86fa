import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { LeaseKeeper } from "../../../server/worker/secure-nat/lease-keeper.ts";

describe("leases on the disk", () => {
  let changes: string;
  let error: Error | undefined;
  let writes: number;
  let warnings: string[];
  let keeper: LeaseKeeper;
  beforeEach(() => {
    changes = "1";
    error = undefined;
    writes = 0;
    warnings = [];
    keeper = new LeaseKeeper({
      changes: () => changes,
      write: () => {
        writes++;
        return error === undefined ? Promise.resolve() : Promise.reject(error);
      },
      file: "/state/leases.json",
      warn: (problem) => void warnings.push(problem),
    });
  });

  test("are written when they have changed, and then only", async () => {
    await keeper.keep();
    assert.equal(writes, 0);
    changes = "2";
    for (let look = 0; look < 3; look++) await keeper.keep();
    assert.deepEqual([writes, keeper.problem], [1, undefined]);
  });

  test("that cannot be written are a problem, told once, and tried again until the disk takes them", async () => {
    changes = "2";
    error = new Error("ENOSPC: no space left on device");
    for (let look = 0; look < 3; look++) await keeper.keep();
    const problem = "cannot write /state/leases.json: ENOSPC: no space left on device";
    assert.deepEqual([writes, warnings, keeper.problem], [3, [problem], problem]);
    error = new Error("EROFS: read-only file system");
    await keeper.keep();
    assert.equal(warnings.length, 2);
    error = undefined;
    await keeper.keep();
    await keeper.keep();
    assert.deepEqual([writes, keeper.problem], [5, undefined]);
  });

  test("are written one after the other", async () => {
    let running = 0;
    keeper = new LeaseKeeper({
      changes: () => changes,
      write: async () => {
        assert.equal(++running, 1);
        await new Promise(setImmediate);
        running--;
        writes++;
      },
      file: "",
      warn: assert.fail,
    });
    const all = ["2", "3", "4"].map((each) => {
      changes = each;
      return keeper.keep();
    });
    await Promise.all(all);
    assert.equal(writes, 3);
  });
});
