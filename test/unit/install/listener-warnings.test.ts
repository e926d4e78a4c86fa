import assert from "node:assert/strict";
import { test } from "node:test";
import { listenerWarnings } from "../../../server/install/listener-warnings.ts";

const low = { port: 443, state: "Error", reason: "EACCES: TCP port 443 needs root here" } as const;
const taken = { port: 992, state: "Error", reason: "EADDRINUSE: another program uses it" } as const;
const high = { port: 5555, state: "Error", reason: "EACCES: not here" } as const;

test("a port that users may not open is a fact of user mode; other ports that are closed are warned of", () => {
  const listeners = [low, taken, high];
  assert.deepEqual(
    listenerWarnings(listeners, "user").map((text) => text.split(":")[0]),
    ["TCP 992 is not open", "TCP 5555 is not open"],
  );
  assert.equal(listenerWarnings(listeners, "service").length, 3);
  assert.deepEqual(listenerWarnings([{ port: 1, state: "Error" }], "user"), [
    "TCP 1 is not open: it is being retried",
  ]);
});
