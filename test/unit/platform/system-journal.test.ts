import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { journalDescriptor, journalLine } from "../../../server/platform/system-journal.ts";

describe("the journal of systemd", () => {
  test("gets a line with its priority, and without the time that it knows", () => {
    assert.equal(journalLine("2026-01-31T12:00:00.000Z info event=x\n"), "<6>event=x\n");
    assert.equal(journalLine("2026-01-31T12:00:00.000Z warn a error b\n"), "<4>a error b\n");
    assert.equal(journalLine("2026-01-31T12:00:00.000Z error c\n"), "<3>c\n");
    assert.equal(journalLine("    at stack (file.ts)\n"), "<4>    at stack (file.ts)\n");
  });

  test("is none where the variable is missing, or tells of another stream", () => {
    assert.equal(journalDescriptor({}), undefined);
    assert.equal(journalDescriptor({ JOURNAL_STREAM: "1:2" }), undefined);
  });
});
