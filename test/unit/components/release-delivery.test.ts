import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf, notRun, UploadProgress } from "../../../components/host/release-delivery.ts";

test("an upload's progress is a percentage and a rate, told every other second and at the end", () => {
  let now = 0;
  const told: string[] = [];
  const progress = new UploadProgress(
    45_000_000,
    (message) => told.push(message),
    () => now,
  );
  for (const [at, bytes] of [
    [500, 100_000],
    [2_000, 500_000],
    [3_000, 750_000],
    [90_000, 22_500_000],
    [180_000, 45_000_000],
  ] as const) {
    now = at;
    progress.at(bytes);
  }
  assert.deepEqual(told, [
    "uploading the server: 1 % of 45.0 MB, 0.3 MB/s",
    "uploading the server: 50 % of 45.0 MB, 0.3 MB/s",
    "uploading the server: 100 % of 45.0 MB, 0.3 MB/s",
  ]);
});

test("a failure of the host has words, also where the host says nothing", () => {
  assert.equal(failureOf({ code: 1, stdout: "", stderr: "vpnserver: no room\n" }), "no room");
  assert.equal(failureOf({ code: 7, stdout: "", stderr: "" }), "it ended with exit code 7");
  assert.equal(failureOf({ code: undefined, stdout: "", stderr: "" }), "the connection broke");
});

test("a shell that runs no script is told of, with what it printed", () => {
  const message = notRun({ code: 1, stdout: "This account is currently not available.\n", stderr: "" });
  assert.match(message, /did not run .* it printed: This account is currently not available\..*login shell/s);
});
