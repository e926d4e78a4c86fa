import assert from "node:assert/strict";
import { test } from "node:test";
import { warningsOf } from "../../../server/install/install-warnings.ts";

const run = () => Promise.resolve(undefined);
const low = { port: 443, state: "Error", reason: "EACCES: TCP port 443 needs root here" } as const;
const taken = { port: 992, state: "Error", reason: "EADDRINUSE: another program uses it" } as const;
const high = { port: 5555, state: "Error", reason: "EACCES: not here" } as const;

test("a port that users may not open is a fact of user mode; other ports that are closed are warned of", async () => {
  const listeners = [low, taken, high];
  assert.deepEqual(
    (await warningsOf(listeners, "user", run)).map((text) => text.split(":")[0]),
    ["TCP 992 is not open", "TCP 5555 is not open"],
  );
  assert.equal((await warningsOf(listeners, "service", run)).length, 3);
  assert.deepEqual(await warningsOf([{ port: 1, state: "Error" }], "user", run), [
    "TCP 1 is not open: it is being retried",
  ]);
});
