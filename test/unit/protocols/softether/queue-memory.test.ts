import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { sessionLimits } from "../../../../server/limits.ts";
import { QueueMemory, type QueueAccount } from "../../../../server/protocols/softether/queue-memory.ts";

const MiB = 1024 * 1024;
const slab = 192 * 1024;

/** Takes as much as it gets. */
function fill(account: QueueAccount): void {
  while (account.take(slab));
}

describe("memory of queues", () => {
  test("gives a session all it may have while there is enough", () => {
    const memory = new QueueMemory(512 * MiB);
    const account = memory.open("DEFAULT", "alice");
    fill(account);
    assert.ok(account.bytes > sessionLimits.queueBytes - slab && account.bytes <= sessionLimits.queueBytes);
    account.give(account.bytes);
    assert.equal(memory.bytes, 0);
  });

  test("leaves room for others beside 150 sessions of a user that never read", () => {
    const memory = new QueueMemory(512 * MiB);
    for (let count = 0; count < 150; count++) fill(memory.open("ATTACKED", "mallory"));
    assert.ok(memory.bytes < 200 * MiB, `${memory.bytes} bytes of one user`);
    const neighbour = memory.open("ATTACKED", "bob");
    const stranger = memory.open("OTHER", "alice");
    for (const account of [neighbour, stranger]) {
      fill(account);
      assert.ok(account.bytes > sessionLimits.queueBytes - slab, `${account.bytes} bytes for another`);
    }
  });

  test("leaves half of it to other hubs, however many users of a hub take what they get", () => {
    const memory = new QueueMemory(512 * MiB);
    for (let user = 0; user < 200; user++) {
      for (let count = 0; count < 10; count++) fill(memory.open("CROWDED", `user${user}`));
    }
    const stranger = memory.open("OTHER", "alice");
    fill(stranger);
    assert.ok(stranger.bytes > sessionLimits.queueBytes - slab, `${stranger.bytes} bytes`);
  });

  test("gives each session its least, however little the machine has", () => {
    const memory = new QueueMemory(16 * MiB);
    const greedy = Array.from({ length: 100 }, () => memory.open("DEFAULT", "mallory"));
    for (const account of greedy) fill(account);
    const modest = memory.open("DEFAULT", "mallory");
    assert.equal(modest.take(16 * 1024), true);
  });

  test("counts in the end what it counted in the beginning", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ who: fc.nat(5), bytes: fc.nat(400_000), gives: fc.boolean() }), {
          maxLength: 300,
        }),
        (steps) => {
          const memory = new QueueMemory(8 * MiB);
          const accounts = Array.from({ length: 6 }, (_, index) =>
            memory.open(`HUB${index % 2}`, `user${index % 3}`),
          );
          for (const { who, bytes, gives } of steps) {
            const account = accounts[who] as QueueAccount;
            if (gives) account.give(Math.min(bytes, account.bytes));
            else account.take(bytes);
            assert.equal(
              memory.bytes,
              accounts.reduce((sum, each) => sum + each.bytes, 0),
            );
            assert.ok(memory.bytes <= 8 * MiB);
          }
          for (const account of accounts) {
            account.close();
            account.give(account.bytes);
          }
          assert.equal(memory.bytes, 0);
          // Whoever comes now finds all of it.
          const next = memory.open("HUB0", "user0");
          assert.equal(next.take(1 * MiB), true);
        },
      ),
    );
  });
});
