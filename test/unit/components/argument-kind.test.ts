import "./lean-pulumi.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { kindProblems, portKind, type ArgumentKind } from "../../../components/arguments/argument-kind.ts";

const seconds = { type: "integer", least: 5, most: 600 } as const;
const mode = { type: "choice", allowed: ["auto", "user"] } as const;

/** What is told of a value, by its kind. */
const cases: readonly (readonly [ArgumentKind, unknown, string])[] = [
  [{ type: "text" }, 12, 'x is 12: a text is needed, in quotes: "12"'],
  [{ type: "text" }, true, 'x is true: a text is needed, in quotes: "true"'],
  [{ type: "text" }, ["a"], "x is a list: a text is needed"],
  [{ type: "text" }, "", "x is empty: give it a value, or leave it out"],
  [{ type: "text" }, "a\0", 'x is "a\\u0000": a text without zero bytes is needed'],
  [{ type: "text", secret: true }, 12, "x is a number: a text is needed, in quotes"],
  [{ type: "boolean" }, "true", 'x is "true": true or false is needed, without quotes'],
  [{ type: "boolean" }, 1, "x is 1: true or false is needed"],
  [seconds, "30", 'x is "30": a whole number from 5 to 600 is needed, without quotes: 30'],
  [seconds, 4, "x is 4: a whole number from 5 to 600 is needed"],
  [seconds, 5.5, "x is 5.5: a whole number from 5 to 600 is needed"],
  [seconds, NaN, "x is NaN: a whole number from 5 to 600 is needed"],
  [portKind, "22", 'x is "22": a TCP port from 1 to 65535 is needed, without quotes: 22'],
  [portKind, 65_536, "x is 65536: a TCP port from 1 to 65535 is needed"],
  [mode, "root", 'x is "root": one of "auto", "user" is needed'],
  [mode, 3, 'x is 3: one of "auto", "user" is needed'],
  [{ type: "path" }, "vpn", 'x is "vpn": a path on the host that begins with / or ~/ is needed'],
  [{ type: "path" }, "/a\nb", "x is a text: a path on the host that begins with / or ~/ is needed"],
  [{ type: "ports" }, "443", 'x is "443": a list of TCP ports is needed, such as [443]'],
  [{ type: "ports" }, "443, 992", 'x is "443, 992": a list of TCP ports is needed, such as [443, 992]'],
  [{ type: "ports" }, 8443, "x is 8443: a list of TCP ports is needed, such as [8443]"],
  [{ type: "ports" }, "https", 'x is "https": a list of TCP ports is needed, such as [443]'],
  [
    { type: "ports" },
    [],
    "x is an empty list: a server without a listener serves nobody; leave x out to keep what the host has",
  ],
  [
    { type: "ports" },
    [443, "992"],
    'x[1] is "992": a TCP port from 1 to 65535 is needed, without quotes: 992',
  ],
  [{ type: "ports" }, [undefined], "x[0] is undefined: take it out of the list"],
  [{ type: "texts" }, "a", 'x is "a": a list of texts is needed'],
  [{ type: "texts" }, ["a", 1], 'x[1] is 1: a text is needed, in quotes: "1"'],
  [{ type: "hubs" }, {}, 'x is an object: a list of hubs is needed, such as [{ name: "DEFAULT" }]'],
  [{ type: "endpoint" }, "h", 'x is "h": an object with host and hostKey is needed'],
];

describe("kindProblems", () => {
  for (const [kind, value, problem] of cases) {
    test(`of ${kind.type}: ${problem}`, () => {
      assert.deepEqual(kindProblems("x", value, kind), [problem]);
    });
  }

  test("is content with what is needed", () => {
    const values: readonly (readonly [ArgumentKind, unknown])[] = [
      [{ type: "text" }, "a"],
      [{ type: "boolean" }, false],
      [seconds, 600],
      [mode, "user"],
      [{ type: "path" }, "~/vpn"],
      [{ type: "ports" }, [443, 992]],
      [{ type: "hubs" }, []],
    ];
    for (const [kind, value] of values) assert.deepEqual(kindProblems("x", value, kind), []);
  });

  test("takes undefined and null for left out", () => {
    for (const [kind] of cases) {
      assert.deepEqual(
        [undefined, null].flatMap((value) => kindProblems("x", value, kind)),
        [],
      );
    }
  });

  test("knows an Output that was put into a text", () => {
    const text = `vpn.${pulumi.output("example.org") as unknown as string}`;
    assert.deepEqual(kindProblems("x", text, { type: "text" }), [
      "x is a resource's Output that was put into a text: join texts and Outputs with pulumi.interpolate",
    ]);
  });

  test("repeats no long text and no secret", () => {
    const pem = "-----BEGIN PRIVATE KEY-----\nhidden\n-----END PRIVATE KEY-----\n";
    for (const text of [pem, "hidden ".repeat(20)]) {
      assert.doesNotMatch(kindProblems("x", text, mode).join(), /hidden/);
    }
    assert.doesNotMatch(kindProblems("x", "hidden", { ...mode, secret: true }).join(), /hidden/);
  });

  test("has an answer to any value", () => {
    const kinds = fc.constantFrom(...cases.map(([kind]) => kind));
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
    });
    fc.assert(
      fc.property(anything, kinds, (value, kind) => {
        for (const problem of kindProblems("x", value, kind)) assert.match(problem, /^x(?:\[\d+\])? is /);
      }),
    );
  });
});
