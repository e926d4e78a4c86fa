import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { diskProblem } from "../../../server/platform/disk-space.ts";

const MiB = 1024 * 1024;
const roomy = { bsize: 4096, blocks: 1_000_000, bavail: 500_000, files: 100_000, ffree: 50_000 };
const problemOf = (changes: Partial<typeof roomy>) =>
  diskProblem("/state", () => Promise.resolve({ ...roomy, ...changes }));

describe("the disk of the state directory", () => {
  test("is no problem while there is room, nor where there is no bound", async () => {
    assert.equal(await problemOf({}), undefined);
    assert.equal(await problemOf({ files: 0, ffree: 0 }), undefined);
    assert.equal(await problemOf({ blocks: 0, bavail: 0 }), undefined);
    assert.equal(await diskProblem("/proc"), undefined);
  });

  test("is told of, with what is left and what will fail, when it is nearly full", async () => {
    assert.match(
      (await problemOf({ bavail: (5 * MiB) / 4096 })) ?? "",
      /\/state is nearly full \(5 MB are free\)/,
    );
    assert.match((await problemOf({ ffree: 3 })) ?? "", /no room for more files \(3 left\)/);
  });

  test("is told of when it cannot be asked", async () => {
    assert.match(
      (await diskProblem("/no/such/folder")) ?? "",
      /cannot tell .*\/no\/such\/folder: .*ENOENT|no such/i,
    );
  });
});
