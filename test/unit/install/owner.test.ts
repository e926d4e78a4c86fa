import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ServerError } from "../../../server/errors.ts";
import { decideOwner } from "../../../server/install/owner.ts";
import { isOwner, isOwnerLabel, isOwnerId, type Owner } from "../../../server/contract/owner.ts";

const paris: Owner = { id: "id-of-paris", stack: "organization/vpnserver/prod", name: "fleet-paris" };
const lyon: Owner = { ...paris, id: "id-of-lyon-", name: "fleet-lyon" };
const installed = { installed: true, adopt: false };

describe("whose an installation is", () => {
  for (const [what, present, wanted, owner] of [
    ["nobody's stays nobody's for somebody at the command line", undefined, undefined, undefined],
    ["a deployment's stays its own for somebody at the command line", paris, undefined, paris],
    ["its own stays its own", paris, paris, paris],
    [
      "its own gets the labels of now",
      paris,
      { ...paris, stack: "o/p/s", name: "x" },
      { ...paris, stack: "o/p/s", name: "x" },
    ],
  ] as const) {
    test(`${what}, without a word`, () => {
      assert.deepEqual(decideOwner({ ...installed, present, wanted }), { owner, forgetsApplied: false });
    });
  }

  test("nobody's becomes that of the deployment that comes, with a word where something is installed", () => {
    const change = decideOwner({ ...installed, present: undefined, wanted: paris });
    assert.deepEqual(change.owner, paris);
    assert.match(change.note ?? "", /belonged to no deployment/);
    assert.deepEqual(decideOwner({ installed: false, adopt: false, present: undefined, wanted: paris }), {
      owner: paris,
      forgetsApplied: false,
    });
  });

  test("another name of the same stack takes over, with what apply made", () => {
    assert.deepEqual(decideOwner({ ...installed, present: paris, wanted: lyon }), {
      owner: lyon,
      forgetsApplied: false,
      warning: 'this server was "fleet-paris" of the same stack and is now "fleet-lyon"',
    });
  });

  for (const [who, other] of [
    ["another stack", { ...lyon, stack: "organization/vpnserver/dev" }],
    ["another stack, under the same name", { ...paris, id: "id-elsewhere", stack: "o/p/dev" }],
    ["a namesake", { ...paris, id: "id-of-namesake" }],
  ] as const) {
    test(`it is refused to ${who}, unless that adopts it`, () => {
      assert.throws(
        () => decideOwner({ ...installed, present: paris, wanted: other }),
        (error) =>
          error instanceof ServerError &&
          error.code === "OWNED_BY_ANOTHER" &&
          error.message.includes('"fleet-paris" of organization/vpnserver/prod') &&
          /destroy the other one first, or .*adopt: true/.test(error.message),
      );
      const change = decideOwner({ installed: true, adopt: true, present: paris, wanted: other });
      assert.deepEqual(change.owner, other);
      assert.equal(change.forgetsApplied, true);
      assert.match(change.warning ?? "", /belonged to "fleet-paris" .* was adopted/);
    });
  }
});

describe("an owner", () => {
  test("has an opaque id and labels without control characters, all of them bounded", () => {
    for (const id of ["", "short-7", "a".repeat(65), "with space", "ümlaut-id", "line\nbreak1"]) {
      assert.equal(isOwnerId(id), false, id);
    }
    for (const label of ["", " ", "a\nb", "\u0007", "a\u2028b", "a".repeat(257)]) {
      assert.equal(isOwnerLabel(label), false, label);
    }
    assert.equal(isOwnerLabel("organización/vpn server/$(prod)"), true);
    assert.equal(isOwner(paris), true);
    assert.equal(isOwner({ ...paris, more: 1 }), true);
  });

  test("is nothing else", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        assert.equal(isOwner(value), false);
        assert.equal(isOwner({ ...paris, id: value }), typeof value === "string" && isOwnerId(value));
      }),
    );
  });
});
