import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { packetDeviceLimits } from "../../../server/limits.ts";
import { OutgoingQueue } from "../../../server/packet-device/outgoing-queue.ts";
import { block } from "../hub/hub-fixture.ts";

function queued() {
  const written: number[] = [];
  const deferred: (() => void)[] = [];
  const queue = new OutgoingQueue(Buffer.alloc(packetDeviceLimits.gatheredBytes), {
    write: ({ counts }) => written.push(counts.length),
    defer: (callback) => deferred.push(callback),
  });
  const add = (frames: number) => {
    const blocks = Buffer.concat(Array.from({ length: frames }, () => block(Buffer.alloc(60))));
    queue.add(blocks, 0, blocks.length);
  };
  return { queue, written, deferred, add };
}

describe("frames of one turn", () => {
  test("go out together at its end", () => {
    const { written, deferred, add } = queued();
    add(1);
    add(2);
    assert.deepEqual(written, []);
    assert.equal(deferred.length, 1);
    deferred.shift()?.();
    assert.deepEqual(written, [3]);
    add(1);
    deferred.shift()?.();
    assert.deepEqual(written, [3, 1]);
  });

  test("go out at once where there is no room for more, or when they are asked for", () => {
    const { queue, written, deferred, add } = queued();
    const { sentAtOnce } = packetDeviceLimits;
    add(2 * sentAtOnce + 3);
    assert.deepEqual(written, [sentAtOnce, sentAtOnce]);
    queue.flush();
    assert.deepEqual(written, [sentAtOnce, sentAtOnce, 3]);
    deferred.shift()?.();
    assert.equal(written.length, 3);
  });
});
