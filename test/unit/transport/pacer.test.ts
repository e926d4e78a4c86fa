import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { paceLimits } from "../../../server/limits.ts";
import { Pacer, type PacedOwner } from "../../../server/transport/pacer.ts";

const { turnMs, listening, startsInTurn, silentMs, waitMs } = paceLimits;
const anybody: PacedOwner = { name: "192.0.2.1", urgent: false };

/** A pacer with a clock and an event loop of its own. */
function setUp() {
  let now = 1_000;
  let callback: { readonly when: "next turn" | "later"; readonly call: () => void } | undefined;
  const log: string[] = [];
  const pacer = new Pacer({
    now: () => now,
    nextTurn: (call) => (callback = { when: "next turn", call }),
    later: (call) => (callback = { when: "later", call }),
    giveWay: () => log.push("give way"),
  });
  return {
    pacer,
    log,
    pass: (ms: number) => (now += ms),
    /** When it wants to be called back, if at all. */
    get wants() {
      return callback?.when;
    },
    turn: () => {
      const due = callback;
      callback = undefined;
      due?.call();
      return log.splice(0);
    },
    /** A job that takes a while. */
    job: (name: string, takesMs: number, owner = anybody) =>
      pacer.run(
        {
          run: () => {
            log.push(name);
            now += takesMs;
          },
          late: () => log.push(`${name} late`),
        },
        owner,
      ),
    /** A client: it is heard once `says` was called. */
    client: (name: string, owner = anybody) => {
      let heard = false;
      const takeBack = pacer.start(
        {
          run: () => log.push(`begin ${name}`),
          late: () => log.push(`${name} late`),
          heard: () => heard,
          hold: () => log.push(`hold ${name}`),
          listen: () => log.push(`listen ${name}`),
        },
        owner,
      );
      return { takeBack, says: () => (heard = true) };
    },
  };
}

describe("pacer", () => {
  test("does a job at once when nothing else is to do", () => {
    const { job, log, pacer } = setUp();
    assert.equal(job("one", 1), undefined);
    assert.deepEqual(log, ["one"]);
    assert.equal(pacer.size, 0);
  });

  test("puts off what does not fit into a turn, and reads sockets before it goes on", () => {
    const loop = setUp();
    for (const name of ["one", "two", "three", "four", "five"]) loop.job(name, turnMs * 0.6);
    assert.deepEqual(loop.log.splice(0), ["one", "two"]);
    assert.equal(loop.wants, "next turn");
    assert.deepEqual(loop.turn(), ["give way", "three", "four"]);
    assert.equal(loop.wants, "next turn");
    assert.deepEqual(loop.turn(), ["give way", "five"]);
    loop.turn();
    assert.equal(loop.wants, undefined, "it lets the loop rest");
  });

  test("does at least one job in a turn, however long it takes", () => {
    const loop = setUp();
    for (const name of ["one", "two", "three"]) loop.job(name, 10 * turnMs);
    loop.log.length = 0;
    assert.deepEqual(loop.turn(), ["give way", "two"]);
    assert.deepEqual(loop.turn(), ["give way", "three"]);
  });

  test("counts what is done in the turn in which nothing waits any more", () => {
    const loop = setUp();
    loop.job("one", turnMs);
    loop.job("two", turnMs);
    loop.log.length = 0;
    assert.deepEqual(loop.turn(), ["give way", "two"]);
    loop.job("three", 0);
    assert.deepEqual(loop.log, [], "its time was used up");
    assert.deepEqual(loop.turn(), ["give way", "three"]);
  });

  test("lets owners take turns, and who is on the same host go first", () => {
    const loop = setUp();
    loop.job("first", turnMs);
    for (const name of ["a1", "a2", "a3"]) loop.job(name, turnMs, { name: "a", urgent: false });
    loop.job("b1", turnMs, { name: "b", urgent: false });
    loop.job("own", turnMs, { name: "127.0.0.1", urgent: true });
    loop.log.length = 0;
    const order: string[] = [];
    for (let turn = 0; turn < 5; turn++) order.push(...loop.turn().filter((what) => what !== "give way"));
    assert.deepEqual(order, ["own", "a1", "b1", "a2", "a3"]);
  });

  test("takes a job back that waits", () => {
    const loop = setUp();
    loop.job("one", turnMs);
    const takeBack = loop.job("two", turnMs);
    assert.equal(loop.pacer.size, 1);
    takeBack?.();
    takeBack?.();
    assert.equal(loop.pacer.size, 0);
    assert.deepEqual(loop.turn(), ["one"]);
  });

  test("tells jobs and handshakes that waited for too long", () => {
    const loop = setUp();
    for (let client = 0; client < listening; client++) loop.client(`client ${client}`);
    loop.client("waiting");
    loop.job("one", turnMs);
    loop.job("two", turnMs);
    loop.log.length = 0;
    loop.pass(waitMs);
    const what = loop.turn();
    assert.ok(what.includes("two late") && what.includes("waiting late"), what.join());
    assert.equal(
      what.some((each) => each === "two" || each === "begin waiting"),
      false,
    );
  });

  test("goes on after a job that fails", () => {
    const loop = setUp();
    loop.job("one", turnMs);
    loop.pacer.run(
      {
        run: () => {
          throw new Error("broken");
        },
        late: () => {},
      },
      anybody,
    );
    loop.job("three", 0);
    loop.log.length = 0;
    assert.throws(() => loop.turn(), /broken/);
    assert.equal(loop.wants, "next turn");
    loop.turn();
    assert.equal(loop.pacer.size, 0);
  });

  test("listens to so many clients, and begins with the next as they are heard", () => {
    const loop = setUp();
    const clients = Array.from({ length: listening + 5 }, (_, index) => loop.client(`${index}`));
    assert.equal(loop.log.splice(0).length, listening);
    assert.equal(loop.pacer.size, 5);
    for (const { says } of clients.slice(0, 4)) says();
    const begun = loop.turn();
    assert.deepEqual(begun, [
      "give way",
      ...Array.from({ length: startsInTurn }, (_, index) => `begin ${listening + index}`),
    ]);
    assert.equal(loop.wants, "next turn");
    loop.turn();
    assert.equal(loop.wants, "later", "no client was heard: there is time to listen to them");
  });

  test("begins with one after the other while some wait, so that they are not heard all at once", () => {
    const loop = setUp();
    const clients = Array.from({ length: listening * 2 }, (_, index) => loop.client(String(index)));
    assert.equal(loop.log.splice(0).length, listening);
    for (const { says } of clients.slice(0, listening)) says();
    loop.turn();
    // None of them was heard since, and places are free.
    for (let turn = 0; turn < 3; turn++) {
      loop.pass(1);
      assert.equal(loop.turn().filter((line) => line.startsWith("begin")).length, startsInTurn);
    }
  });

  test("lets clients keep their places as long as nobody waits", () => {
    const loop = setUp();
    for (let client = 0; client < listening; client++) loop.client(`${client}`);
    loop.log.length = 0;
    loop.pass(100 * silentMs);
    assert.deepEqual(loop.turn(), []);
    assert.equal(loop.wants, undefined, "an idle connection costs nothing");
  });

  test("lets silent clients give way, and comes back to them", () => {
    const loop = setUp();
    const silent = Array.from({ length: listening }, (_, index) => loop.client(`silent ${index}`));
    loop.client("new");
    loop.log.length = 0;
    loop.turn();
    assert.deepEqual(loop.turn(), ["give way"], "they may yet be heard");
    loop.pass(silentMs);
    assert.deepEqual(loop.turn(), ["hold silent 0", "give way", "begin new"]);
    // Its time is up as well: it has waited.
    const seen: string[] = [];
    for (let turn = 0; turn < 2 * listening; turn++) seen.push(...loop.turn());
    assert.ok(seen.includes("listen silent 0"), seen.join());
    assert.ok(seen.includes("hold new"), seen.join());
    for (const { says } of silent) says();
    loop.turn();
    loop.turn();
    assert.equal(loop.pacer.size, 0);
  });

  test("never listens to more than its bound, whatever the clients do", () => {
    const loop = setUp();
    const listenedTo = new Set<string>();
    const follow = (what: readonly string[]) => {
      for (const each of what) {
        const [verb, name = ""] = each.split(" ");
        if (verb === "begin" || verb === "listen") listenedTo.add(name);
        if (verb === "hold") listenedTo.delete(name);
      }
      assert.ok(listenedTo.size <= listening, [...listenedTo].join());
    };
    const clients = new Map<string, { says: () => void }>();
    for (let turn = 0; turn < 300; turn++) {
      if (turn < 100) clients.set(`${turn}`, loop.client(`${turn}`));
      // Some are slow, and are heard when it is their turn again.
      for (const name of [...listenedTo].filter((each) => Number(each) % 3 === turn % 3)) {
        clients.get(name)?.says();
        listenedTo.delete(name);
      }
      follow(loop.log.splice(0));
      loop.pass(1);
      follow(loop.turn());
    }
    assert.equal(loop.pacer.size, 0);
  });

  test("takes a client back that waits", () => {
    const loop = setUp();
    for (let client = 0; client < listening; client++) loop.client(`${client}`);
    const { takeBack } = loop.client("gone");
    assert.equal(loop.pacer.size, 1);
    takeBack?.();
    assert.equal(loop.pacer.size, 0);
  });
});
