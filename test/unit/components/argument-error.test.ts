import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ArgumentError, ArgumentProblems } from "../../../components/arguments/argument-error.ts";

describe("ArgumentError", () => {
  test("tells one problem as a sentence", () => {
    assert.equal(new ArgumentError(["mode is missing"]).message, "mode is missing");
  });

  test("tells each of several problems on a line of its own, and none twice", () => {
    const { message, problems } = new ArgumentError(["a is 1", "b is 2", "a is 1"]);
    assert.equal(message, "the arguments have 2 problems:\n  a is 1\n  b is 2");
    assert.deepEqual(problems, ["a is 1", "b is 2"]);
  });

  test("lists no more problems than a person reads, and tells how many there are", () => {
    const { message } = new ArgumentError(Array.from({ length: 60 }, (_, index) => `p${index} is wrong`));
    assert.match(message, /have 60 problems:/);
    assert.match(message, /p49 is wrong\n {2}and 10 more$/);
  });
});

describe("ArgumentProblems", () => {
  test("goes on after a problem, and tells all of them", () => {
    const problems = new ArgumentProblems();
    const missing = problems.collect(() => {
      throw new ArgumentError(["a is missing"]);
    });
    assert.equal(missing, undefined);
    assert.equal(
      problems.collect(() => 7),
      7,
    );
    problems.add("b is missing");
    assert.throws(
      () => {
        problems.throwIfAny();
      },
      new ArgumentError(["a is missing", "b is missing"]),
    );
  });

  test("takes no fault of the program for a mistake in the arguments", () => {
    assert.throws(
      () =>
        new ArgumentProblems().collect(() => {
          throw new TypeError("a fault");
        }),
      TypeError,
    );
  });
});
