import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { findRpc, rpcs } from "../../../server/admin/definitions.ts";
import { messageFromJson, messageToJson } from "../../../server/admin/json-messages.ts";
import { RpcError, type RpcDefinition } from "../../../server/admin/rpc.ts";
import { zeroMessage } from "../../../server/admin/zero-value.ts";
import { parseJsonInSteps } from "../../../server/json/json-text.ts";
import { atOnce } from "../../../server/turns.ts";
import { rpcLimits } from "../../../server/limits.ts";
import { arbitraryMessage } from "./arbitrary-message.ts";

type Json = Parameters<typeof messageFromJson>[1];

const definitions = Object.entries(rpcs) as [string, RpcDefinition][];
const testFields = rpcs.Test.fields;

/** Replies of the official server (build 9674), by method; lists shortened, long texts replaced. */
const officialReplies = JSON.parse(
  readFileSync(new URL("fixtures/replies.json", import.meta.url), "utf8"),
) as Record<string, Json>;

/** `ours` without the names that `theirs` does not have: fields of later builds, and those that have no value there. */
function onlyNamesOf(theirs: unknown, ours: unknown): unknown {
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    return ours.map((item, index) => onlyNamesOf(theirs[index], item));
  }
  if (typeof theirs !== "object" || theirs === null || typeof ours !== "object" || ours === null) return ours;
  return Object.fromEntries(
    Object.entries(ours)
      .filter(([name]) => name in theirs)
      .map(([name, value]) => [name, onlyNamesOf((theirs as Record<string, unknown>)[name], value)]),
  );
}

describe("messages of the administration as JSON", () => {
  for (const [name, { fields }] of definitions) {
    test(`${name} comes back as it was`, () => {
      fc.assert(
        fc.property(arbitraryMessage(fields), (message) => {
          const json = JSON.parse(JSON.stringify(messageToJson(fields, message))) as Json;
          assert.deepEqual(messageFromJson(fields, json), message);
        }),
        { numRuns: 20 },
      );
    });
  }

  for (const [title, official] of Object.entries(officialReplies)) {
    // The rule that was added comes back in arrays without a group there.
    if (title === "AddAccess") continue;
    test(`${title} of the official server is read and written with the same names in the same order`, () => {
      const definition = findRpc(title.split(" ")[0] ?? "")?.definition;
      assert.ok(definition);
      const message = messageFromJson(definition.fields, official);
      const ours = messageToJson(definition.fields, message, definition.extraNumbers?.(message));
      assert.equal(JSON.stringify(onlyNamesOf(official, ours)), JSON.stringify(official));
    });
  }

  test("a rule that is added is read from its group", () => {
    const { AccessListSingle } = messageFromJson(rpcs.AddAccess.fields, {
      AccessListSingle: [{ Priority_u32: 7 }],
    });
    assert.deepEqual(
      AccessListSingle.map(({ Priority }) => Priority),
      [7],
    );
  });

  test("what is not there is zero, and what is not known is left alone", () => {
    for (const [, { fields }] of definitions) {
      assert.deepEqual(messageFromJson(fields, { other: 1, __proto__: null }), zeroMessage(fields));
    }
  });

  const fields = {
    ...testFields,
    ...rpcs.SetHubOnline.fields,
    ...rpcs.GetFarmSetting.fields,
    ...rpcs.GetUser.fields,
  };

  const taken: readonly [json: Json, name: keyof typeof fields, value: unknown][] = [
    [{ IntValue_u32: "4294967295" }, "IntValue", 0xffff_ffff],
    [{ IntValue_u32: "" }, "IntValue", 0],
    [{ IntValue_u32: true }, "IntValue", 1],
    [{ IntValue_u32: null }, "IntValue", 0],
    [{ Int64Value_u64: "9007199254740991" }, "Int64Value", Number.MAX_SAFE_INTEGER],
    [{ StrValue_str: 12345 }, "StrValue", "12345"],
    [{ UniStrValue_utf: false }, "UniStrValue", "false"],
    [{ Online_bool: 1 }, "Online", true],
    [{ Online_bool: 2 }, "Online", true],
    [{ Online_bool: "TRUE" }, "Online", true],
    [{ Online_bool: "0" }, "Online", false],
    [{ Ports_u32: 1194 }, "Ports", [1194]],
    [{ Ports_u32: ["1", 2] }, "Ports", [1, 2]],
    [{ PublicIp_ip: "" }, "PublicIp", ""],
    [{ PublicIp_ip: "2001:db8::1" }, "PublicIp", "2001:db8::1"],
    [{ UserX_bin: "AQI\nDBA=\n" }, "UserX", Buffer.from([1, 2, 3, 4])],
    [{ ExpireTime_dt: "2030-01-31T12:00:00Z" }, "ExpireTime", Date.UTC(2030, 0, 31, 12)],
    [{ ExpireTime_dt: "2030-01-31T12:00:00.5+09:00" }, "ExpireTime", Date.UTC(2030, 0, 31, 3, 0, 0, 500)],
    [{ ExpireTime_dt: "2030-01-31 12:00:00" }, "ExpireTime", Date.UTC(2030, 0, 31, 12)],
    [{ ExpireTime_dt: "2030-01-31" }, "ExpireTime", Date.UTC(2030, 0, 31)],
    [{ ExpireTime_dt: "1970-01-01T09:00:00.000Z" }, "ExpireTime", 0],
    [{ ExpireTime_dt: "0001-01-01T00:00:00" }, "ExpireTime", 0],
    [{ ExpireTime_dt: "" }, "ExpireTime", 0],
    [{ ExpireTime_dt: "9999-12-31T23:59:59Z" }, "ExpireTime", 4_102_243_323_123 + 32_400_000],
  ];
  for (const [json, name, value] of taken) {
    test(`${JSON.stringify(json)} is taken`, () =>
      assert.deepEqual(messageFromJson(fields, json)[name], value));
  }

  const refused: readonly [json: Json, message: string][] = [
    [{ IntValue_u32: -1 }, "IntValue_u32: -1 is not a whole number from 0 to 4294967295"],
    [{ IntValue_u32: 4_294_967_296 }, "IntValue_u32: 4294967296 is not a whole number from 0 to 4294967295"],
    [{ IntValue_u32: 0.5 }, "IntValue_u32: 0.5 is not a whole number from 0 to 4294967295"],
    [{ IntValue_u32: "seven" }, 'IntValue_u32: "seven" is not a whole number from 0 to 4294967295'],
    [
      { Int64Value_u64: 2 ** 53 },
      "Int64Value_u64: 9007199254740992 is not a whole number from 0 to 9007199254740991",
    ],
    [{ Online_bool: "yes" }, 'Online_bool: "yes" is not true or false'],
    [{ StrValue_str: {} }, "StrValue_str: {} is not a text without NUL"],
    [{ StrValue_str: "a\0b" }, 'StrValue_str: "a\\u0000b" is not a text without NUL'],
    [{ PublicIp_ip: "host" }, 'PublicIp_ip: "host" is not an IP address'],
    [{ UserX_bin: "a-b" }, 'UserX_bin: "a-b" is not base64'],
    [
      { ExpireTime_dt: "tomorrow" },
      'ExpireTime_dt: "tomorrow" is not a time such as 2026-01-31T12:00:00.000Z',
    ],
    [
      { ExpireTime_dt: "2030-13-31" },
      'ExpireTime_dt: "2030-13-31" is not a time such as 2026-01-31T12:00:00.000Z',
    ],
    [{ Ports_u32: [[]] }, "Ports_u32: [] is not a whole number from 0 to 4294967295"],
  ];
  for (const [json, message] of refused) {
    test(`${JSON.stringify(json)} is refused by its name`, () => {
      assert.throws(
        () => messageFromJson(fields, json),
        (error) =>
          error instanceof RpcError && error.error === "invalidParameter" && error.message === message,
      );
    });
  }

  test("items that are no objects, and more of them than are allowed, are refused by the name of their list", () => {
    const rules = (AccessList: Json[string]) => () =>
      messageFromJson(rpcs.SetAccessList.fields, { AccessList });
    assert.throws(rules([1]), /AccessList: it takes objects/);
    assert.throws(rules("text"), /AccessList: it takes objects/);
    assert.throws(
      rules(new Array<Json>(rpcLimits.items + 1).fill({})),
      /AccessList: 32769 items; at most 32768 are allowed/,
    );
  });

  test("any JSON is read, or refused as an invalid parameter", () => {
    const anyMethod = fc.constantFrom(...definitions.map(([, definition]) => definition.fields));
    fc.assert(
      fc.property(
        anyMethod.chain((fields) => {
          const names = Object.keys(messageToJson(fields, zeroMessage(fields)));
          return fc.tuple(
            fc.constant(fields),
            fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 })),
          );
        }),
        ([fields, json]) => {
          try {
            const message = messageFromJson(fields, json as Json);
            assert.deepEqual(Object.keys(message), Object.keys(fields));
            JSON.stringify(messageToJson(fields, message));
          } catch (error) {
            assert.ok(error instanceof RpcError && error.error === "invalidParameter", String(error));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("a file of megabytes comes back as it was, whatever stands between its lines", () => {
    const { fields } = rpcs.SetConfig;
    const config = (text: string) => {
      const json = `{"FileData_bin":${JSON.stringify(text)}}`;
      return messageFromJson(fields, atOnce(parseJsonInSteps(Buffer.from(json))) as never).FileData;
    };
    for (const length of [3_000_000, 3_000_001, 3_000_002]) {
      const bytes = randomBytes(length);
      const lines = bytes.toString("base64").replace(/.{1,76}/g, "$&\r\n");
      assert.ok(config(lines).equals(bytes));
      assert.ok(config(bytes.toString("base64")).equals(bytes));
    }
    const text = "A".repeat(3_000_000);
    for (const wrong of [`${text}!`, `!${text}`, `A===${text}`]) {
      assert.throws(
        () => config(wrong),
        (error) =>
          error instanceof RpcError && /^FileData_bin: a text of megabytes is not base64/.test(error.message),
      );
    }
  });

  test("a long text that is no base64 is refused at once", () => {
    const before = performance.now();
    assert.throws(() => messageFromJson(fields, { UserX_bin: `${" ".repeat(1 << 20)}!` }), /is not base64/);
    assert.ok(performance.now() - before < 5_000);
  });
});
