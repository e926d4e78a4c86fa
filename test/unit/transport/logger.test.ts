import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLogger } from "../../../server/logger.ts";

describe("logger", () => {
  const lines: string[] = [];
  const log = createLogger(
    { write: (line) => lines.push(line) },
    { now: () => new Date("2026-01-31T12:00:00Z") },
  );

  test("writes one line with time and level", () => {
    log.info("started");
    log.warn("careful");
    log.error("broken");
    assert.deepEqual(lines.splice(0), [
      "2026-01-31T12:00:00.000Z info started\n",
      "2026-01-31T12:00:00.000Z warn careful\n",
      "2026-01-31T12:00:00.000Z error broken\n",
    ]);
  });

  test("keeps line breaks and control characters of a message out of the log", () => {
    log.info("a\r\n2026 info forged\x1b[2J\u2028");
    assert.deepEqual(lines.splice(0), [
      "2026-01-31T12:00:00.000Z info a\\x0d\\n2026 info forged\\x1b[2J\\x2028\n",
    ]);
  });
});
