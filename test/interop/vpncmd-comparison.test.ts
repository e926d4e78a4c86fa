import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { Lab } from "../lab/lab.ts";
import { compareServers, differenceOf, verdictOf, type Compared } from "./vpncmd/compare.ts";
import { pageFile, vpncmdPage } from "./vpncmd/page.ts";

/** Exit codes from here on are of a signal: vpncmd waited for too long and was cut off, or crashed. */
const firstSignalCode = 128;

let lab: Lab;
let compared: readonly Compared[];
before(async () => {
  lab = await Lab.create();
  compared = await compareServers(lab);
});
after(() => lab.dispose());

describe("every command of vpncmd, on the official server and on ours", () => {
  test("is answered", () => {
    for (const { step, ours } of compared) {
      assert.ok(ours.code !== undefined && ours.code < firstSignalCode, step.command.join(" "));
      // Many commands that worked say nothing.
      assert.ok(ours.code === 0 || ours.lines.length > 0, step.command.join(" "));
    }
  });

  test("works for hubs, users, groups, listeners, bridges and passwords as it does there", () => {
    const same =
      /^(Hub(Create|Delete|)|User|Group|Listener|Bridge|ServerPassword|ServerCert|Online|Offline|Options|Set(Max|Enum|Hub))/;
    const exceptions = ["HubList"];
    for (const each of compared) {
      const [name = ""] = each.step.command;
      if (!same.test(name) || exceptions.includes(name) || verdictOf(each) === "not supported") continue;
      assert.equal(verdictOf(each), "works", `${each.step.command.join(" ")}: ${differenceOf(each)}`);
    }
  });

  test("is told of in docs/reference/vpncmd.md", async () => {
    assert.equal(
      vpncmdPage(compared),
      await readFile(pageFile, "utf8"),
      'run "node test/interop/vpncmd/write-page.ts" and look at what it changed',
    );
  });
});
