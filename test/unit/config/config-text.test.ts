import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatConfig } from "../../../server/config/text/config-format.ts";
import { ConfigSyntaxError } from "../../../server/config/text/config-lines.ts";
import {
  findFolder,
  findItem,
  withChild,
  type ConfigDocument,
  type ConfigFolder,
  type ConfigItem,
} from "../../../server/config/text/config-node.ts";
import { configLimits, parseConfig } from "../../../server/config/text/config-text.ts";
import { anyCharacter } from "../any-character.ts";
import { arbitraryFolder } from "./arbitrary-folder.ts";

// As a SoftEther VPN Server 5.01.9674 on Debian lays its file out, cut down; the password hash is one of zeros.
const officialFile = [
  "\uFEFF# Software Configuration File",
  "# ---------------------------",
  "# ",
  "",
  "declare root",
  "{",
  "\tuint ConfigRevision 8",
  "\tbool IPsecMessageDisplayed true",
  "\tstring Region JP",
  "",
  "\tdeclare ListenerList",
  "\t{",
  "\t\tdeclare Listener0",
  "\t\t{",
  "\t\t\tbool DisableDos false",
  "\t\t\tbool Enabled true",
  "\t\t\tuint Port 443",
  "\t\t}",
  "\t}",
  "\tdeclare ServerConfiguration",
  "\t{",
  "\t\tuint64 AutoDeleteCheckDiskFreeSpaceMin 104857600",
  "\t\tstring CipherName $",
  "\t\tbyte HashedPassword AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "\t\tstring KeepConnectHost keepalive.softether.org",
  "\t\tstring Note 100$20$24$20$E3$81$82あ",
  "\t}",
  "}",
  "",
].join("\r\n");

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

function root(text: string): ConfigFolder {
  return parseConfig(bytes(text)).root;
}

describe("parseConfig", () => {
  test("reads the layout of the official server", () => {
    const document = parseConfig(bytes(officialFile));
    assert.deepEqual(document.header, [
      "# Software Configuration File",
      "# ---------------------------",
      "# ",
      "",
    ]);
    assert.equal(findItem(document.root, "string", "Region")?.value, "JP");
    const configuration = findFolder(document.root, "ServerConfiguration");
    assert.ok(configuration);
    assert.equal(findItem(configuration, "string", "CipherName")?.value, "");
    assert.equal(findItem(configuration, "string", "Note")?.value, "100 $ ああ");
    assert.equal(findItem(configuration, "uint64", "AutoDeleteCheckDiskFreeSpaceMin")?.value, "104857600");
    assert.equal(findItem(configuration, "uint", "Note"), undefined);
  });

  test("reads LF, spaces as indentation and a file without byte order mark", () => {
    assert.deepEqual(root("declare root\n{\n  uint A 1\n  declare B\n  {\n  }\n}"), {
      kind: "folder",
      name: "root",
      children: [
        { kind: "item", type: "uint", name: "A", value: "1" },
        { kind: "folder", name: "B", children: [] },
      ],
    });
  });

  test("keeps item types and comments that it does not know", () => {
    const text = "\uFEFFdeclare root\r\n{\r\n\t# by hand\r\n\tipv9 Gateway ::1\r\n}\r\n";
    assert.equal(formatConfig(parseConfig(bytes(text))).toString(), text);
  });

  test("reads the same wherever one of the parts ends that a file is read in", () => {
    const long = "あ".repeat(20_000);
    const lines = ["declare root", "{", "\tstring Short あ", `\tstring Long ${long}`, "\tuint Last 1", "}"];
    for (const end of ["\r\n", "\n"]) {
      const length = Buffer.byteLength(lines.slice(0, 3).join(end));
      for (let before = 0; before <= length; before++) {
        const comment = `#${"-".repeat(16 * 1024 - before)}`;
        const { header, root } = parseConfig(bytes([comment, ...lines].join(end)));
        assert.deepEqual(header, [comment]);
        assert.deepEqual(
          root.children.map((child) => (child as ConfigItem).value),
          ["あ", long, "1"],
        );
      }
    }
  });

  test("makes one object of the lines that are the same, however many others there are", () => {
    const hubs = Array.from({ length: 60 }, (_, hub) => {
      const folders = Array.from({ length: 60 }, (_each, index) => {
        const number = hub * 60 + index;
        return `declare user${number}\n{\nuint NumLogin 0\nuint Own ${number}\nuint Other ${number}\n}\n`;
      });
      return `declare hub${hub}\n{\n${folders.join("")}}\n`;
    });
    const users = root(`declare root\n{\n${hubs.join("")}}\n`).children.flatMap(
      (hub) => (hub as ConfigFolder).children as ConfigFolder[],
    );
    assert.equal(users.length, 3_600);
    for (const [index, { children }] of users.entries()) {
      assert.deepEqual(children, [
        { kind: "item", type: "uint", name: "NumLogin", value: "0" },
        { kind: "item", type: "uint", name: "Own", value: String(index) },
        { kind: "item", type: "uint", name: "Other", value: String(index) },
      ]);
    }
    // A line is known as one that comes again when it has come twice.
    assert.equal(new Set(users.slice(1).map(({ children }) => children[0])).size, 1);
  });

  test("refuses a line that was an item before, where none may stand", () => {
    const item = "\tuint A 1\n";
    for (const text of [
      `declare root\n{\n${item}${item}}\n${item}`,
      `declare root\n{\n${item}${item}\tdeclare B\n${item}}\n`,
    ]) {
      assert.throws(() => root(text), ConfigSyntaxError);
    }
  });

  test("takes an item without value for an empty one", () => {
    assert.deepEqual(root("declare root\n{\nbyte Empty\n}").children, [
      { kind: "item", type: "byte", name: "Empty", value: "" },
    ]);
  });

  for (const [text, line, problem] of [
    ["", 1, /holds no "declare root"/],
    ["hello\n", 1, /"declare root" expected, not "hello"/],
    ["declare root\n", 1, /root that begins here has no end/],
    ["declare root\n{\n", 1, /root that begins here has no end/],
    ["declare root\n{\ndeclare A\n{\n", 3, /A that begins here has no end/],
    ["declare root\nuint A 1\n", 2, /"{" expected/],
    ["declare Root\n{\n}\n", 1, /"root" expected at the top, not "Root"/],
    ["declare root\n{\n}\ndeclare root\n{\n}\n", 4, /one folder "root" expected/],
    ["declare root\n{\n}\n}\n", 4, /"declare root" expected, not "}"/],
    ["declare root\n{\nstring A b c\n}\n", 3, /write a space in a value as \$20/],
    ["declare root\n{\nstring\n}\n", 3, /type, name and value expected in "string"/],
    ["declare root\n{\ndeclare\n{\n}\n}\n", 3, /"declare" takes one name/],
    ["declare root\n{\nstring A $4\n}\n", 3, /"\$4" is no escape/],
    ["declare root\n{\nstring A x$ZZ\n}\n", 3, /"\$ZZ" is no escape/],
    ["declare root\n{\nstring A x$\n}\n", 3, /"\$" is no escape/],
    ["declare root\n{\nstring A $FF\n}\n", 3, /not text in UTF-8/],
    ["SEVPN_DB\0\0\0", 1, /"declare root" expected/],
  ] as const) {
    test(`refuses ${JSON.stringify(text)} and names the line`, () => {
      assert.throws(
        () => parseConfig(bytes(text)),
        (error) => error instanceof ConfigSyntaxError && error.line === line && problem.test(error.message),
      );
    });
  }

  test("refuses what is not UTF-8", () => {
    assert.throws(() => parseConfig(Uint8Array.of(0xff, 0xfe, 0x64, 0x00)), ConfigSyntaxError);
  });

  test("bounds the depth", () => {
    const nested = (depth: number) =>
      "declare root\n{\n" + "declare x\n{\n".repeat(depth - 1) + "}\n".repeat(depth);
    assert.doesNotThrow(() => root(nested(configLimits.depth)));
    assert.throws(() => root(nested(configLimits.depth + 1)), /more than 64 folders/);
  });

  test("refuses a file cut off at any line", () => {
    const lines = officialFile.split("\r\n");
    for (let count = 0; count < lines.length - 2; count++) {
      assert.throws(() => root(lines.slice(0, count).join("\r\n")), ConfigSyntaxError, `${count} lines`);
    }
  });

  test("throws nothing but a syntax error, whatever it is given", () => {
    const word = fc.oneof(
      fc.constantFrom("declare", "root", "{", "}", "uint", "$", "$4", "#", "\uFEFF", "\r", "\t", " ", "\n"),
      fc.string({ unit: anyCharacter, maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        try {
          parseConfig(bytes(words.join("")));
        } catch (error) {
          assert.ok(error instanceof ConfigSyntaxError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
        assert.throws(() => parseConfig(content), ConfigSyntaxError);
      }),
    );
  });
});

describe("formatConfig", () => {
  test("gives back the official server's file, byte for byte", () => {
    const text = officialFile.replace("$E3$81$82", "あ");
    assert.equal(formatConfig(parseConfig(bytes(officialFile))).toString(), text);
  });

  test("what it writes reads as the same document, whatever names and values hold", () => {
    fc.assert(
      fc.property(
        arbitraryFolder,
        fc.array(fc.stringMatching(/^(#[ -~]*)?$/), { maxLength: 3 }),
        (content, header) => {
          const document: ConfigDocument = { header, root: { ...content, name: "root" } };
          assert.deepEqual(parseConfig(formatConfig(document)), document);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("writes again what it read, the same bytes", () => {
    fc.assert(
      fc.property(arbitraryFolder, (content) => {
        const once = formatConfig({ header: [], root: { ...content, name: "root" } });
        assert.deepEqual(formatConfig(parseConfig(once)), once);
      }),
    );
  });
});

describe("withChild", () => {
  const item = (name: string, value: string) => ({ kind: "item", type: "uint", name, value }) as const;

  test("replaces in place, and adds at the end", () => {
    const folder: ConfigFolder = { kind: "folder", name: "x", children: [item("a", "1"), item("b", "2")] };
    assert.deepEqual(withChild(folder, item("a", "3")).children, [item("a", "3"), item("b", "2")]);
    assert.deepEqual(withChild(folder, item("c", "3")).children, [...folder.children, item("c", "3")]);
    const sameName: ConfigFolder = { kind: "folder", name: "a", children: [] };
    assert.deepEqual(withChild(folder, sameName).children, [...folder.children, sameName]);
  });
});
