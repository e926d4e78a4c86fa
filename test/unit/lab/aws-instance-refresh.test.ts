import assert from "node:assert/strict";
import { test } from "node:test";
import { InstanceRefresh } from "../../lab/aws/instance-refresh.ts";
import type { Member } from "../../lab/aws/group-member.ts";

const wanted = { desired: 2, version: "2" };
const member = (id: string, version: string, isHealthy = true): Member => ({
  ...{ id, version, isHealthy, launchedAt: 0, wasHealthy: isHealthy },
});
const refresh = (minHealthyPercentage: number, maxHealthyPercentage: number) =>
  new InstanceRefresh("r", { minHealthyPercentage, maxHealthyPercentage, skipMatching: true });
const ids = (members: readonly Member[]) => members.map(({ id }) => id);

test("nothing goes before a new instance is healthy where all have to serve", () => {
  const all = refresh(100, 110);
  const [a, b] = [member("a", "1"), member("b", "1")];
  assert.deepEqual(all.plan([a, b], wanted), { surplus: 1, leave: [] });
  assert.deepEqual(all.plan([a, b, member("c", "2", false)], wanted), { surplus: 1, leave: [] });
  const c = member("c", "2");
  assert.deepEqual(ids(all.plan([a, b, c], wanted).leave), ["a"]);
  assert.deepEqual(all.plan([b, c], wanted), { surplus: 1, leave: [] });
  const d = member("d", "2");
  assert.deepEqual(ids(all.plan([b, c, d], wanted).leave), ["b"]);
  assert.equal(all.status, "InProgress");
  assert.deepEqual(all.plan([c, d], wanted), { surplus: 0, leave: [] });
  assert.deepEqual([all.status, all.percentageComplete, all.fewestHealthy], ["Successful", 100, 2]);
});

test("as many go at once as may be missing, and no more until there are others", () => {
  const half = refresh(50, 100);
  const [a, b] = [member("a", "1"), member("b", "1")];
  assert.deepEqual(ids(half.plan([a, b], wanted).leave), ["a"]);
  assert.deepEqual(half.plan([b, member("c", "2", false)], wanted), { surplus: 0, leave: [] });
  assert.deepEqual(ids(half.plan([b, member("c", "2")], wanted).leave), ["b"]);
  assert.equal(half.fewestHealthy, 1);
});

test("unhealthy instances go whatever is to be kept", () => {
  const { leave } = refresh(100, 110).plan([member("a", "1", false), member("b", "1")], wanted);
  assert.deepEqual(ids(leave), ["a"]);
});

test("instances of the wanted version stay, and a refresh that was cancelled does nothing", () => {
  const all = refresh(0, 100);
  assert.deepEqual(ids(all.plan([member("a", "2"), member("b", "1")], wanted).leave), ["b"]);
  all.cancel();
  assert.deepEqual(all.plan([member("a", "1"), member("b", "1")], wanted), { surplus: 0, leave: [] });
  assert.equal(all.status, "Cancelled");
});
