import assert from "node:assert/strict";
import { test } from "node:test";
import { lastWordsIn } from "../../../server/init/server-process.ts";

test("the last words in a journal are the last message with the lines that go on with it", () => {
  const lines = [
    "Starting vpnserver.service...",
    "vpnserver: an older one",
    "vpnserver: the server ended with exit code 1; the end of server.log:",
    "  2026-01-31 one",
    "  2026-01-31 two",
    "vpnserver.service: Control process exited",
    "  not ours",
  ];
  assert.equal(
    lastWordsIn(lines),
    "the server ended with exit code 1; the end of server.log:\n  2026-01-31 one\n  2026-01-31 two",
  );
  assert.equal(lastWordsIn(lines.slice(0, 2)), "an older one");
  assert.equal(lastWordsIn(["vpnserver: "]), undefined);
  assert.equal(lastWordsIn([]), undefined);
});
