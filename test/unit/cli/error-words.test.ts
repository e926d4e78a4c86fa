import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fileProblemOf, isAboutRights, wordsOf } from "../../../server/error-words.ts";

const refused = (address: string) =>
  Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: "ECONNREFUSED" });

describe("the words of an error", () => {
  for (const [what, error, words] of [
    ["an ordinary one", new Error("it is gone"), "it is gone"],
    ["one without a message, by its code", Object.assign(new Error(""), { code: "EIO" }), "EIO"],
    ["one without anything, by its name", new RangeError(), "RangeError"],
    [
      "several in one, each once",
      new AggregateError([refused("::1:443"), refused("127.0.0.1:443"), refused("127.0.0.1:443")]),
      "connect ECONNREFUSED ::1:443; connect ECONNREFUSED 127.0.0.1:443",
    ],
    ["none in one", new AggregateError([]), "AggregateError"],
    [
      "rmSync's, which has no code",
      new Error(", Unknown error: Read-only file system '/x'"),
      "Read-only file system '/x'",
    ],
    ["a thrown text", "no", "no"],
    ["a thrown nothing", undefined, "an error without a message (undefined)"],
  ] as const) {
    test(`are those of ${what}`, () => assert.equal(wordsOf(error), words));
  }

  test("are never empty, whatever was thrown", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (thrown, message) => {
        for (const error of [thrown, new Error(message), new AggregateError([thrown], message)]) {
          assert.notEqual(wordsOf(error).trim(), "");
        }
      }),
    );
  });

  test("are there for a name that leads to several addresses, none of which answers", async () => {
    const error = await new Promise<Error>((resolve) => {
      const lookup = (_host: string, _options: object, found: (...answer: unknown[]) => void) =>
        found(null, [
          { address: "127.0.0.1", family: 4 },
          { address: "127.0.0.2", family: 4 },
        ]);
      const options = { host: "host.invalid", port: 1, lookup: lookup as never };
      // Long enough that no answer is too late on a busy machine.
      connect({ ...options, autoSelectFamilyAttemptTimeout: 30_000 }).once("error", resolve);
    });
    assert.equal(error.message, "");
    assert.match(wordsOf(error), /ECONNREFUSED 127\.0\.0\.1:1; .*ECONNREFUSED 127\.0\.0\.2:1/);
  });
});

describe("a problem with a file", () => {
  for (const [code, cause] of [
    ["ENOSPC", /file system of \/opt\/x is full .*make room/],
    ["EDQUOT", /quota .*make room/],
    ["EROFS", /file system of \/opt\/x is mounted read-only .*mount it writable/],
    ["EACCES", /this user may not write there .*as root/],
    ["ENOTDIR", /a part of that path is a file .*move it away/],
    ["EIO", /EIO: words/],
  ] as const) {
    test(`${code} is told with cause and way out`, () => {
      const error = Object.assign(new Error(`${code}: words`), { code });
      assert.match(fileProblemOf(error, "/opt/x"), cause);
      assert.match(fileProblemOf(error, "/opt/x", "--prefix"), /or name another folder with --prefix$/);
      assert.equal(isAboutRights(error), code === "EACCES");
    });
  }
});
