import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findRpc, rpcs, type RpcName } from "../../../server/admin/definitions.ts";
import type { ScalarField } from "../../../server/admin/fields.ts";
import type { RpcDefinition } from "../../../server/admin/rpc.ts";

const definitions = Object.entries(rpcs) as [RpcName, RpcDefinition][];

/** All scalars of a message, those of lists too. */
function scalarsOf({ fields }: RpcDefinition): [name: string, field: ScalarField][] {
  return Object.entries(fields).flatMap(([name, field]): [string, ScalarField][] =>
    field.type === "list" ? Object.entries(field.fields) : field.type === "scalar" ? [[name, field]] : [],
  );
}

describe("the definitions of the administration", () => {
  test("are those of the official server: 145 of its build 9674, and 3 of later builds", () => {
    assert.equal(definitions.length, 148);
  });

  test("are found by their names in any case, and by the misspelled names of older programs", () => {
    for (const [name] of definitions) {
      assert.equal(findRpc(name)?.name, name);
      assert.equal(findRpc(name.toUpperCase())?.name, name);
    }
    assert.equal(findRpc("GetDDnsInternetSettng")?.name, "GetDDnsInternetSetting");
    assert.equal(findRpc("setddnsinternetsettng")?.name, "SetDDnsInternetSetting");
    for (const name of ["", "Nothing", "constructor", "__proto__"]) assert.equal(findRpc(name), undefined);
  });

  for (const [name, definition] of definitions) {
    test(`${name} names the hub that its right depends on, its errors once, and marks its secrets`, () => {
      const { right, hubField = "HubName", fields, errors, summary } = definition;
      if (right === "hub")
        assert.deepEqual([fields[hubField]?.type, scalarKind(fields[hubField])], ["scalar", "str"]);
      else assert.equal(definition.hubField, undefined);
      assert.equal(new Set(errors).size, errors.length);
      assert.match(summary, /^[A-Z].*\.$/);
      for (const [field, { kind, secret }] of scalarsOf(definition)) {
        if (kind === "bool") continue;
        const holdsSecret =
          /Password|Secret|HashedKey|SecureHash|ClientK$|SessionKey/.test(field) ||
          (field === "Key" && kind === "bin");
        assert.equal(secret === true, holdsSecret, `${field}: secret`);
      }
      const lists = Object.values(fields).filter(({ type }) => type === "list");
      assert.ok(lists.length <= 1 || fields["NumItem"] === undefined, "NumItem counts one list");
    });
  }
});

function scalarKind(field: RpcDefinition["fields"][string] | undefined): string | undefined {
  return field?.type === "scalar" ? field.kind : undefined;
}
