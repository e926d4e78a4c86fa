import assert from "node:assert/strict";
import { test } from "node:test";
import { PortList } from "../../../server/hub/port-list.ts";

test("ports stay in the order in which they came, and who goes through them is not disturbed", () => {
  const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
  const list = new PortList<{ name: string }>();
  for (const port of [a, b, c]) list.add(port);
  const seen: string[] = [];
  for (const port of list.all) {
    seen.push(port.name);
    list.remove(b);
  }
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.deepEqual(list.all, [a, c]);
  list.add(b);
  assert.deepEqual(list.all, [a, c, b]);
});

test("thousands that go make the list once, when somebody asks for it", () => {
  const list = new PortList<object>();
  const ports = Array.from({ length: 4_096 }, () => ({}));
  for (const port of ports) list.add(port);
  const before = list.all;
  assert.equal(list.all, before);
  for (const port of ports.slice(1)) list.remove(port);
  const after = list.all;
  assert.deepEqual(after, [ports[0]]);
  list.remove(ports[1] as object);
  assert.equal(list.all, after);
});
