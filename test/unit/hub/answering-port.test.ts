import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AnsweringPort, type SlicedWork } from "../../../server/hub/answering-port.ts";
import { answeringPortLimits, blockLimits } from "../../../server/limits.ts";
import { defaultPolicy } from "../../../server/settings/policy.ts";
import { block, TestHub } from "./hub-fixture.ts";

/** Turns that the test gives, each for so many looks at the time. */
function createTurns() {
  const asked: SlicedWork[] = [];
  return {
    nextTurn: (work: SlicedWork) => void asked.push(work),
    pass: (looks = Infinity) => {
      for (const work of asked.splice(0)) if (work(() => --looks <= 0)) asked.push(work);
    },
    asked,
  };
}

const frameOf = (destination: string, source: string, text = "") =>
  Buffer.concat([Buffer.from(`${destination}${source}88b5`, "hex"), Buffer.from(text.padEnd(46))]);
const everybody = "ffffffffffff";
const [one, other, station] = ["020000000001", "020000000002", "020000000003"];

/** Answers each frame with one to whom it came from. */
function createEcho(name: string, mac: string, turns: ReturnType<typeof createTurns>) {
  const heard: string[] = [];
  const port: AnsweringPort = new AnsweringPort({
    name,
    kind: "secure-nat",
    userName: "SecureNAT",
    policy: defaultPolicy,
    nextTurn: turns.nextTurn,
    receive: (buffer, start, end) => {
      const frame = buffer.subarray(start, end);
      heard.push(frame.toString("latin1", 14).trim());
      port.send(frameOf(frame.toString("hex", 6, 12), mac, "answer"));
    },
  });
  return { port, heard };
}

describe("a port that answers", () => {
  test("looks at frames in a turn of its own, in their order, and never calls the hub back at once", () => {
    const hub = new TestHub();
    const turns = createTurns();
    const alice = hub.plug("alice");
    const echo = createEcho("echo", one, turns);
    echo.port.plugInto(hub.hub.attach(echo.port));
    alice.send(frameOf(everybody, station, "a"), frameOf(everybody, station, "b"));
    alice.send(frameOf(everybody, station, "c"));
    assert.deepEqual([echo.heard, alice.port.take().length, turns.asked.length], [[], 0, 1]);
    turns.pass();
    assert.deepEqual(echo.heard, ["a", "b", "c"]);
    assert.deepEqual(
      alice.port.take().map((frame) => frame.toString("latin1", 14).trim()),
      ["answer", "answer", "answer"],
    );
  });

  test("may talk with another one for ever, a turn for each word", () => {
    const hub = new TestHub();
    const turns = createTurns();
    const echoes = [createEcho("one", one, turns), createEcho("other", other, turns)];
    for (const { port } of echoes) port.plugInto(hub.hub.attach(port));
    echoes[0]?.port.send(frameOf(everybody, one, "begin"));
    for (let turn = 0; turn < 10_000; turn++) turns.pass();
    assert.ok(echoes.every(({ heard }) => heard.length >= 4_999));
    for (const { port } of echoes) port.unplug();
    turns.pass();
    assert.equal(turns.asked.length, 0);
  });

  test("drops and counts what is more than its queue holds, and goes on", () => {
    const hub = new TestHub();
    const turns = createTurns();
    const echo = createEcho("echo", one, turns);
    echo.port.plugInto(hub.hub.attach(echo.port));
    const big = Buffer.alloc(blockLimits.frameBytes, 1);
    const blocks = block(big);
    const room = Math.floor(answeringPortLimits.queueBytes / 2 / blocks.length);
    for (let count = 0; count < room + 3; count++) echo.port.deliver(blocks, 0, blocks.length, 1, 1);
    assert.equal(echo.port.dropped, 3);
    for (let count = 0; count < room / 2 - 1; count++) echo.port.deliver(blocks, 0, blocks.length, 1, 2);
    assert.equal(echo.port.dropped, 3, "there is room for another one");
    turns.pass();
    assert.equal(echo.heard.length, room + Math.ceil(room / 2 - 1));
    echo.port.deliver(blocks, 0, blocks.length, 1, 1);
    turns.pass();
    assert.equal(echo.heard.length, room + Math.ceil(room / 2 - 1) + 1);
  });

  test("serves those that send in turn, whatever one of them has sent, and each in its order", () => {
    const hub = new TestHub();
    const turns = createTurns();
    const [alice, bob] = [hub.plug("alice"), hub.plug("bob")];
    const echo = createEcho("echo", one, turns);
    echo.port.plugInto(hub.hub.attach(echo.port));
    const { framesInTurn } = answeringPortLimits;
    const flood = Array.from({ length: 100 }, (_, index) => `a${index}`);
    for (const text of flood) alice.send(frameOf(everybody, station, text));
    bob.send(frameOf(everybody, other, "b0"), frameOf(everybody, other, "b1"));
    turns.pass(framesInTurn + 3);
    assert.deepEqual(echo.heard, [...flood.slice(0, framesInTurn), "b0", "b1", flood[framesInTurn]]);
    while (turns.asked.length > 0) turns.pass(1);
    assert.deepEqual(
      echo.heard.filter((text) => text.startsWith("a")),
      flood,
    );
  });

  test("stops when its turn is over, with what it does at the end of one too", () => {
    const turns = createTurns();
    const hub = new TestHub();
    const alice = hub.plug("alice");
    const done: string[] = [];
    let left = 0;
    const port = new AnsweringPort({
      name: "worker",
      kind: "secure-nat",
      userName: "SecureNAT",
      policy: defaultPolicy,
      nextTurn: turns.nextTurn,
      receive: () => {
        done.push("frame");
        left = 3;
      },
      turnEnded: (isOver) => {
        while (left > 0) {
          done.push(`end ${left--}`);
          if (isOver()) break;
        }
        return left > 0;
      },
    });
    port.plugInto(hub.hub.attach(port));
    alice.send(frameOf(everybody, station), frameOf(everybody, station));
    turns.pass(1);
    assert.deepEqual(done.splice(0), ["frame", "end 3"]);
    turns.pass(1);
    assert.deepEqual(done.splice(0), ["end 2"]);
    turns.pass(2);
    assert.deepEqual(done.splice(0), ["end 1", "frame", "end 3"]);
    turns.pass();
    assert.deepEqual([done.splice(0), turns.asked.length], [["end 2", "end 1"], 0]);
  });

  test("sends no frame that a hub does not take", () => {
    const hub = new TestHub();
    const alice = hub.plug("alice");
    const echo = createEcho("echo", one, createTurns());
    echo.port.send(frameOf(everybody, one));
    echo.port.plugInto(hub.hub.attach(echo.port));
    for (const bytes of [0, blockLimits.frameBytes + 1]) echo.port.send(Buffer.alloc(bytes));
    assert.deepEqual([alice.port.take().length, echo.port.dropped], [0, 2]);
    echo.port.unplug();
    echo.port.send(frameOf(everybody, one));
    assert.equal(alice.port.take().length, 0);
  });
});
