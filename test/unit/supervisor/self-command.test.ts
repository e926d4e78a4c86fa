import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { workerEnvironment } from "../../../server/supervisor/self-command.ts";

describe("the way in which a worker is started", () => {
  test("keeps what the administrator sets for malloc, and sets the rest", () => {
    const environment = workerEnvironment({ PATH: "/bin", MALLOC_ARENA_MAX: "7" });
    assert.equal(environment["PATH"], "/bin");
    assert.equal(environment["MALLOC_ARENA_MAX"], "7");
    assert.equal(environment["MALLOC_MMAP_THRESHOLD_"], "65536");
  });
});
