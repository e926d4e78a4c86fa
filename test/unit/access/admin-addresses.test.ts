import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import {
  AdminAddressFile,
  adminAddressLimits,
  isAdminAddress,
  parseAdminAddresses,
} from "../../../server/access/admin-addresses.ts";

function admits(text: string, address: string, hubName = ""): boolean {
  return isAdminAddress(parseAdminAddresses(text).rules, address, hubName);
}

describe("adminip.txt", () => {
  for (const [line, inside, outside] of [
    ["127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "::1", "192.0.2.1"]],
    ["192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.3.0", "2001:db8::1"]],
    ["192.0.2.77/255.255.255.0", ["192.0.2.1"], ["192.0.3.1"]],
    ["10.0.0.1/255.0.0.255", ["10.9.8.1"], ["10.9.8.2"]],
    ["0.0.0.0/0", ["203.0.113.9"], ["2001:db8::1"]],
    ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::1", "192.0.2.1"]],
    ["2001:db8::/ffff:ffff::", ["2001:db8:8000::1"], ["2001:db9::"]],
    ["[::1]", ["::1"], ["127.0.0.1"]],
    ["fe80::1", ["fe80::1", "fe80::1%eth0"], ["fe80::2%eth0"]],
    ["::/0", ["2001:db8::1"], ["192.0.2.1"]],
    ["*", ["192.0.2.1", "2001:db8::1", "gone"], []],
    ["\t 192.0.2.1  # the office", ["192.0.2.1"], ["192.0.2.2"]],
    ["192.0.2.1//the office", ["192.0.2.1"], ["192.0.2.2"]],
    ["", [], ["127.0.0.1"]],
    ["# 127.0.0.1", [], ["127.0.0.1"]],
    ["// *", [], ["127.0.0.1"]],
  ] as const) {
    test(`reads "${line}" as the official server does`, () => {
      for (const address of inside) assert.equal(admits(line, address), true, address);
      for (const address of outside) assert.equal(admits(line, address), false, address);
    });
  }

  test("a line with the name of a hub is for the administrator of that hub alone", () => {
    const text = "192.0.2.1 Office\r\n198.51.100.1\r\n";
    assert.equal(admits(text, "192.0.2.1", "OFFICE"), true);
    assert.equal(admits(text, "192.0.2.1", "other"), false);
    assert.equal(admits(text, "192.0.2.1", ""), false);
    for (const hub of ["", "Office", "other"]) assert.equal(admits(text, "198.51.100.1", hub), true);
  });

  for (const line of [
    "office",
    "192.0.2.1/33",
    "2001:db8::/129",
    "192.0.2.1/24/1",
    "192.0.2.1/ffff::",
    "\ufeff127.0.0.1",
    "1.2.3",
  ]) {
    test(`names the line "${line}", which lets nobody in`, () => {
      const { rules, problems } = parseAdminAddresses(`127.0.0.1\n${line}`);
      assert.equal(rules.length, 1);
      assert.match(problems.join(), /^line 2 is no address/);
    });
  }

  test("any text is read, and lets in by nothing but an address, a network or *", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("203.0.113.77", "*", "::/0", "#", "//", "\n", " ", "/"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const text = words.join("");
        if (!admits(text, "203.0.113.77")) return;
        assert.match(text.replace(/(#|\/\/).*/g, ""), /\*|203\.0\.113\.77|\d+\.\d+\.\d+\.\d+\/\d/);
      }),
    );
  });
});

describe("AdminAddressFile", () => {
  let directory: string;
  let path: string;
  let problems: string[];
  let file: AdminAddressFile;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "vpnserver-adminip-"));
    path = join(directory, "adminip.txt");
    problems = [];
    file = new AdminAddressFile(path, (problem) => problems.push(problem));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test("a file that is not there lets administrators come from everywhere", () => {
    assert.equal(file.admits("203.0.113.9", ""), true);
    assert.deepEqual([...file.restrictions, ...file.problems, ...problems], []);
  });

  test("a change holds at the next login", async () => {
    for (const [text, one, other] of [
      ["192.0.2.1\n", true, false],
      ["192.0.2.2\n", false, true],
      ["", false, false],
      ["*\n", true, true],
    ] as const) {
      await writeFile(path, text);
      assert.deepEqual([file.admits("192.0.2.1", ""), file.admits("192.0.2.2", "")], [one, other], text);
      assert.equal(file.restrictions.length, 1);
    }
    await rm(path);
    assert.equal(file.admits("203.0.113.9", ""), true);
  });

  test("one that cannot be read, or is too large, lets nobody in and says so once", async () => {
    await mkdir(path);
    for (let look = 0; look < 3; look++) assert.equal(file.admits("127.0.0.1", ""), false);
    assert.match(
      problems.join(),
      /adminip\.txt cannot be read \(.*is a folder where a file should be.*\).*nobody administers.*until it can/,
    );
    await rm(path, { recursive: true });
    await writeFile(path, "*\n".repeat(adminAddressLimits.bytes));
    assert.equal(file.admits("127.0.0.1", ""), false);
    assert.match(file.problems.join(), /more than \d+ bytes/);
    assert.equal(problems.length, 2);
  });
});
