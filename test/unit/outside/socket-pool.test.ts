import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { outsideLimits } from "../../../server/limits.ts";
import { SocketPool, type SocketPlace } from "../../../server/outside/socket-pool.ts";

/** A hub that opens sockets; those that it has, in the order in which it opened them. */
class Hub {
  readonly sockets = new Map<number, SocketPlace>();
  readonly #share: ReturnType<SocketPool["share"]>;
  #opened = 0;

  constructor(pool: SocketPool) {
    this.#share = pool.share();
  }

  open(): boolean {
    const number = ++this.#opened;
    const place = this.#share.take(() => this.sockets.delete(number));
    if (place !== undefined) this.sockets.set(number, place);
    return place !== undefined;
  }

  openAll(count: number): number {
    return Array.from({ length: count }, () => this.open()).filter(Boolean).length;
  }

  close(number: number): void {
    const place = this.sockets.get(number);
    this.sockets.delete(number);
    place?.giveBack();
    place?.giveBack();
  }
}

describe("a pool of sockets", () => {
  test("is all for one hub while nobody else asks, and then for others too", () => {
    const pool = new SocketPool(100);
    const [flooding, quiet, late] = [new Hub(pool), new Hub(pool), new Hub(pool)];
    assert.equal(quiet.openAll(3), 3);
    assert.equal(flooding.openAll(500), 97);
    assert.equal(quiet.sockets.size, 3, "a flood takes nothing from who has few");
    assert.equal(quiet.openAll(10), 10);
    assert.equal(late.openAll(200), 43);
    assert.deepEqual(
      [flooding, quiet, late].map(({ sockets }) => sockets.size),
      [44, 13, 43],
    );
  });

  test("takes those from the largest that were not used for longest", () => {
    const pool = new SocketPool(4);
    const [largest, other] = [new Hub(pool), new Hub(pool)];
    largest.openAll(4);
    largest.sockets.get(1)?.used();
    largest.sockets.get(2)?.used();
    assert.equal(other.openAll(3), 2);
    assert.deepEqual([...largest.sockets.keys()], [1, 2]);
  });

  test("opens none that was given up while it waited for its turn", () => {
    const turns: (() => void)[] = [];
    const pool = new SocketPool(4, { nextTurn: (callback) => turns.push(callback) });
    const [largest, other] = [pool.share(), pool.share()];
    const opened: string[] = [];
    const lost: string[] = [];
    const take = (name: string) => largest.take(() => lost.push(name)) ?? assert.fail();
    const first = take("first");
    for (let count = 0; count < outsideLimits.openedInTurn; count++) first.open(() => {});
    for (const name of ["second", "third", "fourth"]) take(name).open(() => opened.push(name));
    first.used();
    const newcomer = other.take(() => {}) ?? assert.fail();
    newcomer.open(() => opened.push("newcomer"));
    assert.deepEqual([lost, opened], [["second"], []]);
    for (const turn of turns.splice(0)) turn();
    assert.deepEqual(opened, ["third", "newcomer", "fourth"]);
  });

  test("closes a few in each turn, whose places are free only then", () => {
    const turns: (() => void)[] = [];
    const count = 3 * outsideLimits.closedInTurn;
    const pool = new SocketPool(count, { nextTurn: (callback) => turns.push(callback) });
    const hub = pool.share();
    const takeAll = (most: number) =>
      Array.from({ length: most }, () => hub.take(() => {})).filter((place) => place !== undefined);
    const nextTurn = () => turns.splice(0).forEach((turn) => turn());
    const places = takeAll(count);
    let opened = 0;
    for (const place of places) place.open(() => opened++);
    while (opened < count) nextTurn();
    nextTurn();
    let closed = 0;
    for (const place of places) place.close(() => closed++);
    assert.equal(closed, outsideLimits.closedInTurn);
    assert.equal(takeAll(count).length, closed);
    nextTurn();
    assert.equal(closed, 2 * outsideLimits.closedInTurn);
    nextTurn();
    assert.equal(closed, count);
  });

  test("closes at once what was not opened yet", () => {
    const pool = new SocketPool(2, { nextTurn: () => {} });
    const hub = pool.share();
    for (let index = 0; index < 2 * outsideLimits.openedInTurn; index++) {
      const place = hub.take(() => {}) ?? assert.fail();
      let closed = false;
      place.open(() => {});
      if (index < outsideLimits.openedInTurn) place.giveBack();
      else {
        place.close(() => (closed = true));
        assert.ok(closed);
      }
    }
  });

  test("is never overdrawn, and never keeps a hub below an equal share", () => {
    const action = fc.record({ hub: fc.nat(3), closes: fc.nat(3) });
    fc.assert(
      fc.property(fc.nat(12), fc.array(action, { maxLength: 100 }), (most, actions) => {
        const pool = new SocketPool(most);
        const hubs = Array.from({ length: 4 }, () => new Hub(pool));
        const held = () => hubs.reduce((sum, { sockets }) => sum + sockets.size, 0);
        for (const { hub: index, closes } of actions) {
          const hub = hubs[index] ?? assert.fail();
          if (closes === 0) hub.close([...hub.sockets.keys()][0] ?? 0);
          else if (!hub.open()) assert.ok(hub.sockets.size + 1 > Math.floor(most / hubs.length));
          assert.ok(held() <= most);
        }
      }),
    );
  });
});
