import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AdministratorPlaces } from "../../../server/admin/administrator-places.ts";
import { rpcLimits } from "../../../server/limits.ts";

/** Places, and the names of the connections that were closed. */
function createPlaces() {
  const places = new AdministratorPlaces();
  const closed: string[] = [];
  const take = (hubName: string, name = hubName) => {
    const administrator =
      hubName === "" ? ({ type: "server" } as const) : ({ type: "hub", hubName } as const);
    const had = places.hasRoomFor(administrator);
    const leave = places.take(administrator, () => closed.push(name));
    return { had, leave };
  };
  return { take, closed };
}

describe("places of administrators", () => {
  test("are kept for the server's, whatever the administrators of hubs do", () => {
    const { take } = createPlaces();
    for (let index = 0; index < 100; index++) take("A");
    for (let index = 0; index < 100; index++) take(`hub ${index}`);
    const kept = rpcLimits.connections - rpcLimits.connectionsOfHubs;
    for (let index = 0; index < kept; index++) assert.ok(take("").had);
    assert.ok(!take("").had);
  });

  test("of one hub are bounded, in whatever case, and closed beyond", () => {
    const { take, closed } = createPlaces();
    const first = take("Hub");
    for (let index = 1; index < rpcLimits.connectionsPerHub; index++) assert.ok(take("hub").had);
    assert.ok(!take("HUB", "late").had);
    assert.deepEqual(closed, ["late"]);
    assert.ok(take("other").had);
    first.leave();
    assert.ok(take("Hub").had);
  });

  test("go from the hub that has most to one that has fewer", () => {
    const { take, closed } = createPlaces();
    for (const hub of ["a", "b", "c"]) {
      for (let index = 0; index < 16; index++) assert.ok(take(hub, `${hub}${index}`).had);
    }
    assert.ok(take("d").had);
    assert.deepEqual(closed, ["a0"]);
    for (let index = 0; index < 48; index++) take("d");
    // Equal shares: nobody takes from one that has as many.
    assert.equal(closed.filter((name) => name !== "d").length, 12);
  });
});
