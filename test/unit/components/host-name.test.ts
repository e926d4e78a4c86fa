import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ArgumentError } from "../../../components/arguments/argument-error.ts";
import { parseHost } from "../../../components/arguments/host-name.ts";
import { problemOf } from "./problems-of.ts";

const read = (value: unknown) => parseHost("host", value, "ports are elsewhere");

describe("parseHost", () => {
  test("takes names and addresses as they are", () => {
    const hosts = [
      "h",
      "vpn.example.org",
      "vpn.example.org.",
      "build_1",
      "1.example",
      "192.0.2.1",
      "2001:db8::1",
    ];
    for (const host of [...hosts, "fe80::1%eth0", "::1", "xn--mnchen-3ya.example"]) {
      assert.equal(read(host), host);
    }
  });

  test("takes the brackets off an IPv6 address", () => {
    assert.equal(read("[2001:db8::1]"), "2001:db8::1");
    assert.equal(read("[fe80::1%eth0]"), "fe80::1%eth0");
  });

  const alone = 'give the host, "h.example", alone; ports are elsewhere';
  const cases: readonly (readonly [unknown, string])[] = [
    [undefined, "is missing: give the host's name or address"],
    ["", "is empty: give it a value, or leave it out"],
    ["  ", "is empty: give the host's name or address"],
    [7, 'is 7: a text is needed, in quotes: "7"'],
    [{}, "is an object: a text is needed"],
    ["ssh://h.example", `is a URL: ${alone}`],
    ["ssh://root:hidden@h.example:2222/x", `is a URL: ${alone}`],
    ["https://[2001:db8::1]:443/", 'is a URL: give the host, "2001:db8::1", alone; ports are elsewhere'],
    ["root@h.example", `has a user before "@": ${alone}`],
    ["h.example:2222", `is "h.example:2222", with a port: ${alone}`],
    ["[::1]:22", 'is "[::1]:22", with a port: give the host, "::1", alone; ports are elsewhere'],
    [
      "h.example\n",
      'has white space in it, such as a line break at the end: give "h.example"; a host name or an address is needed',
    ],
    ["a b", "has white space in it, such as a line break at the end; a host name or an address is needed"],
    ["10.0.0.0/24", 'is "10.0.0.0/24", a network or a path: a host name or an address is needed'],
    ["2001:db8:::1", 'is "2001:db8:::1", which is no IPv6 address: give it as 2001:db8::1'],
    ["[h.example]", 'is "[h.example]", which is no IPv6 address: give it as 2001:db8::1'],
    ["256.0.0.1", 'is "256.0.0.1", which is no IPv4 address: give it as 192.0.2.1'],
    ["192.0.2", 'is "192.0.2", which is no IPv4 address: give it as 192.0.2.1'],
    ["münchen.example", 'is "münchen.example": give it in its ASCII form, "xn--mnchen-3ya.example"'],
    ["-h", 'is "-h": a host name of letters, digits, "-" and dots, or an address, is needed'],
    ["a..b", 'is "a..b": a host name of letters, digits, "-" and dots, or an address, is needed'],
  ];
  for (const [value, problem] of cases) {
    test(`tells of ${JSON.stringify(value)}: ${problem}`, () => {
      assert.equal(
        problemOf(() => read(value)),
        `host ${problem}`,
      );
    });
  }

  test("shows no password of a URL", () => {
    for (const text of ["ssh://root:hidden@h", "root:hidden@h", "root:hidden@h:22", "root:hid den@h"]) {
      assert.doesNotMatch(
        problemOf(() => read(text)),
        /hid/,
      );
    }
  });

  test("reads any text, or tells what it is", () => {
    const parts = fc.constantFrom(
      "h",
      ".",
      ":",
      "[",
      "]",
      "@",
      "/",
      "://",
      " ",
      "1",
      "%",
      "-",
      "é",
      "\n",
      "::",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((list) => list.join("")),
        ),
        (text) => {
          try {
            assert.match(read(text), /^[A-Za-z0-9._:%-]+$/);
          } catch (error) {
            assert.ok(error instanceof ArgumentError, String(error));
          }
        },
      ),
    );
  });
});
