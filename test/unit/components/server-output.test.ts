import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { resultMark } from "../../../components/host/host-script.ts";
import {
  applyResultIn,
  checkResultIn,
  installResultIn,
  serverStatusIn,
  UnreadableReportError,
} from "../../../components/host/server-output.ts";
import { recordedJson } from "../contract/recorded-json.ts";

const apply = JSON.stringify(recordedJson.apply);
const install = JSON.stringify(recordedJson.install);

describe("the output of a command on the host", () => {
  test("is the last line of JSON, after a login banner", () => {
    assert.deepEqual(applyResultIn(`Welcome!\n{"not":"it"}\n${apply}\nGood bye {\n`), recordedJson.apply);
  });

  test("is told by its mark, where what shells print is JSON too", () => {
    assert.deepEqual(installResultIn(`{"a":1}\n${resultMark}${install}\n{"b":2}\n`), recordedJson.install);
  });

  test("is shown when it is no report", () => {
    assert.throws(() => applyResultIn("Usage: ..."), /did not report its result; it printed: Usage/);
    assert.throws(() => installResultIn(""), /the install command did not report its result/);
    assert.equal(serverStatusIn("sh: not found\n"), undefined);
    assert.equal(checkResultIn(""), undefined);
  });

  test("that cannot be read is told by the member", () => {
    const status = JSON.stringify({ ...recordedJson.status, supervisor: {} });
    assert.throws(
      () => serverStatusIn(status),
      (error) =>
        error instanceof UnreadableReportError &&
        error.message ===
          "the status command reported what cannot be read: supervisor.pid is not a whole number, 1 or more",
    );
  });

  test("of a later release is no broken report", () => {
    const status = JSON.stringify({ format: 99, version: "9.0.0" });
    assert.throws(() => serverStatusIn(status), { name: "LaterFormatError" });
  });
});
