import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { errorCodes } from "../../../server/errors.ts";
import { refusalReasons } from "../../../server/transport/refusals.ts";
import { protocolErrors } from "../../../server/wire/protocol-error.ts";
import { headOf, messageTextsIn, plain, shellMessagesIn, withoutVariables } from "./message-texts.ts";

const root = join(import.meta.dirname, "../../..");
const page = readFileSync(join(root, "docs/TROUBLESHOOTING.md"), "utf8");
const words = plain(page);

function textsOf(path: string) {
  return messageTextsIn(path, readFileSync(join(root, path), "utf8"));
}

/** Sources whose every sentence is an error, a warning or one of the exceptions. */
const sources = [
  "ssh/ssh-session",
  "host/host-look",
  "host/release-delivery",
  "host/health",
  "host/server-output",
  "host/artifact",
  "deployment/deployment",
  "deployment/repair",
  "deployment/removal-failure",
  "aws/first-boot",
  "aws/placement",
].map((name) => `components/${name}.ts`);

/** What takes texts that are no errors: progress, and what is looked for in texts of others. */
const receiversOfOthers: readonly (string | undefined)[] = ["progress", "#progress", "#tell", "startsWith"];
/** How often to try again. */
const retry = "until the deadline";

/** Whether a text is for people: three words at least. */
function isSentence(text: string): boolean {
  return /\p{L}+ \p{L}+.* \p{L}+/u.test(text);
}

/** The code spans of the first column of tables with a certain heading. */
function firstColumn(heading: string): string[] {
  let isWanted = false;
  return page.split("\n").flatMap((line) => {
    const [, first = ""] = /^\| (.+?) \|/.exec(line) ?? [];
    if (first === "") return [];
    if (!first.includes("`") && !/^\d/.test(first)) isWanted = first === heading;
    return isWanted ? [...first.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span) : [];
  });
}

describe("docs/TROUBLESHOOTING.md", () => {
  for (const [code, { exitCode }] of Object.entries(errorCodes)) {
    test(`has a row for ${code} with its exit code`, () => {
      assert.ok(page.includes(`\n| ${exitCode} | \`${code}\` | `));
    });
  }

  for (const path of sources) {
    test(`has every error of ${path}`, () => {
      const heads = textsOf(path)
        .filter(
          ({ text, receiver }) => isSentence(text) && text !== retry && !receiversOfOthers.includes(receiver),
        )
        .map(({ text }) => headOf(text));
      assert.ok(heads.length > 0);
      assert.deepEqual(
        heads.filter((head) => !words.includes(head)),
        [],
      );
    });
  }

  test("has every reason of a refusal before login", () => {
    assert.deepEqual(firstColumn("reason in the log").toSorted(), refusalReasons.toSorted());
  });

  test("has every error of the host's script", () => {
    const heads = ["host/host-script", "aws/first-boot-script"]
      .flatMap((name) => textsOf(`components/${name}.ts`))
      .flatMap(({ text }) => shellMessagesIn(text))
      .map(headOf);
    assert.ok(heads.length >= 8);
    assert.deepEqual(
      heads.filter((head) => !words.includes(head)),
      [],
    );
  });

  test("has no error that the sources do not have", () => {
    const paths = globSync(["{components,program,server,tools}/**/*.{ts,mjs}", "*.cjs"], { cwd: root });
    const texts = paths
      .flatMap((path) => textsOf(path))
      .flatMap(({ text }) => [text, withoutVariables(text)])
      .join("\n");
    const listed = [...firstColumn("error"), ...firstColumn("warning")].map((span) => plain(span));
    assert.ok(listed.length > 100);
    assert.deepEqual(
      listed.filter((span) => !texts.includes(span.replace(/^… ?| ?…$/g, ""))),
      [],
    );
  });

  test("has no number that clients are not told", () => {
    const known: readonly number[] = Object.values(protocolErrors);
    const section = /^## VPN clients that are refused\n(.*?)^## /ms.exec(page)?.[1] ?? "";
    const numbers = [...section.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell = ""]) => cell.split(", "));
    assert.ok(numbers.length > 20);
    assert.deepEqual(
      numbers.filter((number) => !known.includes(Number(number))),
      [],
    );
  });
});

describe("the texts of a source", () => {
  test("are whole, with holes for what differs", () => {
    const source = 'throw new Error(`a ${b ?? "c d e"} ` + "f" + g);\nwarn("h");\nimport "i";';
    assert.deepEqual(messageTextsIn("a.ts", source), [
      { text: "a … f…", receiver: "Error" },
      { text: "c d e", receiver: "Error" },
      { text: "h", receiver: "warn" },
    ]);
  });

  test("begin with what is wrong", () => {
    assert.equal(headOf("… keeps the key of … away: put it there; or not"), "keeps the key of … away");
    assert.equal(headOf("refused: … says so"), "refused: … says so");
  });

  test("of a shell script are those of fail and unfit", () => {
    const script = 'fail "this is \\"$x\\", no ${y#z}" 6\nunfit="$unfit; $1 takes none"; echo "no"';
    assert.deepEqual(shellMessagesIn(script), ['this is "…", no …', "… takes none"]);
  });
});
