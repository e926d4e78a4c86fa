import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseWindowsCommand, verbHelp, verbs } from "../../../server/windows/verbs.ts";

const verb = (name: string, more: object = {}) => ({
  kind: "verb",
  verb: name,
  silent: false,
  stateDirectory: undefined,
  ...more,
});

describe("a command line of Windows", () => {
  test("has verbs, in whatever case", () => {
    for (const name of Object.keys(verbs)) {
      if (name === "help") continue;
      assert.deepEqual(parseWindowsCommand([`/${name}`]), verb(name));
      assert.deepEqual(parseWindowsCommand([`/${name.toUpperCase()}`]), verb(name));
    }
  });

  test("has /silent behind the verb, and the state directory before it", () => {
    assert.deepEqual(parseWindowsCommand(["/install", "/Silent"]), verb("install", { silent: true }));
    const stateDirectory = "C:\\a b";
    assert.deepEqual(
      parseWindowsCommand(["--state-dir", stateDirectory, "/service"]),
      verb("service", { stateDirectory }),
    );
    assert.deepEqual(
      parseWindowsCommand([`--state-dir=${stateDirectory}`, "/usermode"]),
      verb("usermode", { stateDirectory }),
    );
  });

  test("shows the help box without an argument, and for what it does not know", () => {
    assert.deepEqual(parseWindowsCommand([]), { kind: "help", problem: "no argument" });
    assert.deepEqual(parseWindowsCommand(["/help"]), { kind: "help", problem: undefined });
    assert.deepEqual(parseWindowsCommand(["/?"]), { kind: "help", problem: undefined });
    // The manual's misprint is of the program's name, and other verbs of the original are not there.
    for (const word of ["/setup_install", "/", "/constructor", "/usermode_"]) {
      assert.deepEqual(parseWindowsCommand([word]), { kind: "help", problem: `${word} is not known` });
    }
    for (const option of ["/quiet", "silent", "--silent"]) {
      assert.deepEqual(parseWindowsCommand(["/install", option]), {
        kind: "help",
        problem: `${option} is not known`,
      });
    }
  });

  test("leaves the commands of every system alone", () => {
    for (const words of [
      ["start"],
      ["--help"],
      ["--state-dir", "x", "start"],
      ["--state-dir"],
      ["--json"],
      [""],
    ]) {
      assert.equal(parseWindowsCommand(words), undefined);
    }
  });

  test("is explained verb by verb, in a console and in a box", () => {
    for (const inColumns of [true, false]) {
      const help = verbHelp("vpnserver", inColumns);
      for (const [name, { does }] of Object.entries(verbs)) {
        assert.equal(new RegExp(`^ *\\/${name}:? +${does}$`, "m").test(help), name !== "service", name);
      }
      assert.ok(Math.max(...help.split("\n").map((line) => line.length)) <= 100, "fits into a console");
    }
  });
});
