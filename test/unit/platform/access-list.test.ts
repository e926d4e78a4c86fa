import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { judgeAccess, privateAccessList, sharedAccessList } from "../../../server/platform/access-list.ts";

const user = "S-1-5-21-1004336348-1177238915-682003330-1001";
const stranger = "S-1-5-21-1004336348-1177238915-682003330-1002";
const judge = (descriptor: string) => judgeAccess(descriptor, user);

describe("the access list of a folder of Windows", () => {
  // As `(Get-Acl C:\ProgramData).Sddl` gives it on Windows 11: users may add, and delete only what is theirs.
  const programData =
    "O:SYG:SYD:PAI(A;OICIIO;GA;;;CO)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;CI;DCLCRPCR;;;BU)(A;OICI;0x1200a9;;;BU)";

  test("of ProgramData lets others add files, and replace none", () => {
    assert.deepEqual(judge(programData), {
      foreignOwner: undefined,
      replacer: undefined,
      writer: "BU",
      isProtected: true,
    });
  });

  test("that the server gives its own folder lets nobody else in", () => {
    assert.deepEqual(judge(`O:${user}${privateAccessList({ userSid: user, isAdministrator: false })}`), {
      foreignOwner: undefined,
      replacer: undefined,
      writer: undefined,
      isProtected: true,
    });
  });

  for (const [what, list, who] of [
    ["full access", "D:AI(A;OICIID;FA;;;BU)", "BU"],
    ["full access by number", "D:(A;;0x1f01ff;;;AU)", "AU"],
    ["rights over the list", "D:(A;;WD;;;WD)", "WD"],
    ["ownership", `D:(A;;WO;;;${stranger})`, stranger],
    ["the right to delete", "D:(A;;SD;;;BU)", "BU"],
    ["the right to delete what is in it", "D:(A;;0x40;;;IU)", "IU"],
    ["every generic right", "D:(A;;GA;;;BU)", "BU"],
    ["a right that is not known here", "D:(A;;ZZ;;;BU)", "BU"],
    ["a right by a condition", 'D:(XA;;FA;;;BU;(@User.Title=="PM"))', "BU"],
  ] as const) {
    test(`lets others replace files where it gives them ${what}`, () => {
      assert.equal(judge(`O:BAG:BA${list}`).replacer, who);
    });
  }

  for (const [what, list] of [
    ["reading", "D:(A;OICI;0x1200a9;;;BU)(A;;FR;;;WD)(A;;GRGX;;;AU)"],
    ["nothing", "D:(D;;FA;;;WD)"],
    ["what holds for things in it alone", "D:(A;OICIIO;GA;;;WD)"],
  ] as const) {
    test(`is closed where it gives others ${what}`, () => {
      assert.equal(judge(`O:BAG:BA${list}`).writer, undefined);
    });
  }

  test("of a service's programs lets nobody else change them, and users read", () => {
    const list = sharedAccessList();
    assert.deepEqual(judge(`O:BAG:BA${list}`), {
      foreignOwner: undefined,
      replacer: undefined,
      writer: undefined,
      isProtected: true,
    });
    assert.match(list, /\(A;OICI;0x1200a9;;;BU\)/);
  });

  test("that is not there lets everybody do everything", () => {
    assert.equal(judge("O:BAG:BAD:NO_ACCESS_CONTROL").replacer, "WD");
    assert.equal(judge("O:BAG:BA").replacer, "WD");
  });

  test("tells whose the folder is", () => {
    assert.equal(judge(`O:${stranger}D:P(A;;FA;;;SY)`).foreignOwner, stranger);
    assert.equal(judge(`O:${user}D:P(A;;FA;;;SY)`).foreignOwner, undefined);
    assert.equal(judge("D:P(A;;FA;;;SY)").foreignOwner, "nobody");
  });

  test("of any text is judged", () => {
    fc.assert(fc.property(fc.string(), (descriptor) => void judge(descriptor)));
  });
});
