import assert from "node:assert/strict";
import { test } from "node:test";
import { linesByRoom } from "../../../tools/checks/coverage.ts";

test("coverage is summed by room, a protocol being a room of its own", () => {
  const record = (path: string, found: number, hit: number) =>
    `SF:${path}\nDA:1,1\nLF:${found}\nLH:${hit}\nend_of_record\n`;
  const report = [
    record("server/access/sessions.ts", 10, 5),
    record("server/access/refusal.ts", 10, 10),
    record("server/protocols/softether/session.ts", 4, 1),
    record("server/config/text/config-text.ts", 3, 3),
    record("server/errors.ts", 2, 2),
    record("components/vpn-server.ts", 6, 0),
  ].join("");
  assert.deepEqual(Object.fromEntries(linesByRoom(report)), {
    "server/access": { found: 20, hit: 15 },
    "server/protocols/softether": { found: 4, hit: 1 },
    "server/config": { found: 3, hit: 3 },
    server: { found: 2, hit: 2 },
    components: { found: 6, hit: 0 },
  });
});
