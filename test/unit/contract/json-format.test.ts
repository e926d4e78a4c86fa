import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseApplyResult } from "../../../server/contract/apply-result.ts";
import { parseCheckResult } from "../../../server/contract/check-result.ts";
import { parseFirewallResult } from "../../../server/contract/firewall-report.ts";
import { parseInstallResult } from "../../../server/contract/install-result.ts";
import { jsonFormat, jsonLine, LaterFormatError } from "../../../server/contract/json-format.ts";
import { MalformedJsonError } from "../../../server/contract/json-reader.ts";
import { parseServerStatus } from "../../../server/contract/server-status.ts";
import { parseUninstallResult } from "../../../server/contract/uninstall-result.ts";
import { parseVersionResult } from "../../../server/contract/version-result.ts";
import { recordedJson } from "./recorded-json.ts";

const parsers: Readonly<Record<keyof typeof recordedJson, (value: unknown) => unknown>> = {
  install: parseInstallResult,
  status: parseServerStatus,
  stopped: parseServerStatus,
  dryRun: parseApplyResult,
  apply: parseApplyResult,
  check: parseCheckResult,
  uninstall: parseUninstallResult,
  purge: parseUninstallResult,
  firewallShow: parseFirewallResult,
  firewallOpen: parseFirewallResult,
  version: parseVersionResult,
};
/** Members that may be missing. */
const optional: Readonly<Partial<Record<keyof typeof recordedJson, readonly string[]>>> = {
  install: ["owner"],
  uninstall: ["owner", "mode"],
  firewallOpen: ["changed"],
};
const cases = Object.entries(parsers).map(([name, parse]) => ({
  name,
  parse,
  optional: optional[name as keyof typeof recordedJson] ?? [],
  recorded: recordedJson[name as keyof typeof recordedJson],
}));

for (const { name, parse, optional, recorded } of cases) {
  describe(`the JSON of ${name}`, () => {
    test("is read as releases printed it that had no format", () => {
      assert.deepEqual(parse(recorded), recorded);
    });

    test("is read as this release prints it", () => {
      assert.deepEqual(parse(JSON.parse(jsonLine("0.1.0", recorded))), recorded);
    });

    test("may have members that came later", () => {
      assert.deepEqual(parse({ ...recorded, format: jsonFormat, cascades: [{ name: "west" }] }), recorded);
    });

    test("of a later format is refused whatever is in it, with the release and the way out", () => {
      for (const content of [recorded, {}]) {
        assert.throws(
          () => parse({ ...content, format: jsonFormat + 1, version: "2.3.0" }),
          (error) =>
            error instanceof LaterFormatError &&
            /of release 2\.3\.0, which is later than this package: .*update the package/.test(error.message),
        );
      }
    });

    test("without any member of its own is refused by the member's name", () => {
      for (const member of Object.keys(recorded).filter((member) => !optional.includes(member))) {
        const { [member]: _, ...others } = recorded;
        assert.throws(
          () => parse(others),
          (error) => error instanceof MalformedJsonError && error.message.startsWith(`${member} is not `),
        );
      }
    });

    test("throws nothing but a MalformedJsonError", () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...Object.keys(recorded)),
          fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
          fc.jsonValue(),
          (member, value, whole) => {
            for (const tried of [{ ...recorded, [member]: value }, whole]) {
              try {
                parse(tried);
              } catch (error) {
                assert.ok(error instanceof MalformedJsonError, String(error));
              }
            }
          },
        ),
      );
    });
  });
}

describe("a member that is not what it has to be", () => {
  const { install, status } = recordedJson;
  const wrong: readonly (readonly [string, () => unknown, string])[] = [
    ["format", () => parseInstallResult({ ...install, format: "1" }), "format is not a whole number"],
    [
      "port",
      () => parseInstallResult({ ...install, listeners: [{ port: 65536, state: "Listening" }] }),
      "listeners[0].port is not a whole number, 1 to 65535",
    ],
    [
      "state",
      () => parseInstallResult({ ...install, listeners: [{ port: 443, state: "Up" }] }),
      "listeners[0].state is not Listening or Error or Stopped",
    ],
    [
      "prefix",
      () => parseInstallResult({ ...install, prefix: "opt/\nrm" }),
      "prefix is not an absolute path",
    ],
    [
      "pid",
      () => parseServerStatus({ ...status, worker: { pid: -1, restarts: 0 } }),
      "worker.pid is not a whole number, 1 or more",
    ],
    [
      "list",
      () => parseServerStatus({ ...status, hubs: "DEFAULT" }),
      "hubs is not a list of at most 100000 items",
    ],
    [
      "long text",
      () => parseServerStatus({ ...status, version: "1".repeat(65_537) }),
      "version is not a text of at most 65536 characters",
    ],
  ];
  for (const [name, action, message] of wrong) {
    test(`is told by its path: ${name}`, () =>
      assert.throws(action, { name: "MalformedJsonError", message }));
  }

  test("names no release that could be anything", () => {
    assert.throws(
      () => parseApplyResult({ format: 7, version: "\u001b[2J" }),
      /is of a later release than this package/,
    );
  });
});
