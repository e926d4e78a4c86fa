import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectionLimits } from "../../../server/limits.ts";
import { Places } from "../../../server/transport/places.ts";

/** Places, and connections that come to them, each by its number. */
function createPlaces(bounds: { total?: number; perAddress?: number; perSite?: number } = {}) {
  const places = new Places<string>({ total: 1000, perAddress: 256, perSite: 512, ...bounds });
  const holders = new Map<string, string[]>();
  let count = 0;
  const come = (address: string, ownHost = false) => {
    const holder = `${address} #${++count}`;
    holders.set(address, [...(holders.get(address) ?? []), holder]);
    const evicted = places.take(holder, address, ownHost);
    assert.notEqual(evicted?.holder, holder);
    return { holder, evicted: evicted?.holder, bound: evicted?.bound };
  };
  const fill = (times: number, address: (index: number) => string) => {
    for (let index = 0; index < times; index++) come(address(index));
  };
  const held = (address: string) =>
    (holders.get(address) ?? []).filter((holder) => places.has(holder)).length;
  return { places, come, fill, held };
}

const strangersMost = 1000 - connectionLimits.keptForOwnHost - connectionLimits.keptForKnown;

describe("places before a login", () => {
  test("are taken from whoever fills them, and never from others", () => {
    const { come, fill, held } = createPlaces();
    const honest = Array.from({ length: 20 }, (_, index) => `198.51.100.${index}`);
    for (const address of honest) come(address);
    fill(1000, (index) => `192.0.2.${index % 5}`);
    for (const address of honest) assert.equal(held(address), 1);
    const { evicted, holder } = come("203.0.113.1");
    assert.match(evicted ?? "", /^192\.0\.2\./);
    fill(5000, (index) => `192.0.2.${index % 5}`);
    assert.equal(held(holder.split(" ")[0] ?? ""), 1);
  });

  test("go to the newest: the oldest of the network that holds most makes room", () => {
    const { come } = createPlaces({ total: 3, perAddress: 3 });
    const first = come("192.0.2.1");
    come("192.0.2.1");
    come("192.0.2.2");
    assert.equal(come("192.0.2.3").evicted, first.holder);
  });

  test("of one address are bounded, and it takes them from itself", () => {
    const { come, held } = createPlaces({ perAddress: 2 });
    const first = come("192.0.2.1");
    come("192.0.2.1");
    const third = come("192.0.2.1");
    assert.equal(third.evicted, first.holder);
    assert.equal(third.bound, "per-address");
    assert.equal(held("192.0.2.1"), 2);
  });

  test("of IPv6 are counted by /64, and bounded by /48", () => {
    const { come, places, fill } = createPlaces({ perAddress: 4, perSite: 10 });
    fill(50, (index) => `2001:db8:1:1::${index.toString(16)}`);
    assert.equal(places.size, 4);
    fill(100, (index) => `2001:db8:1:${index.toString(16)}::1`);
    assert.equal(places.size, 10);
    assert.equal(come("2001:db8:2::1").evicted, undefined);
  });

  test("are taken from the site with most where each of its networks has one", () => {
    const { fill, held } = createPlaces();
    fill(3, () => "203.0.113.7");
    fill(5000, (index) => `2001:db8:1:${(index % 5000).toString(16)}::1`);
    fill(700, (index) => `2001:db8:2:${index.toString(16)}::1`);
    assert.equal(held("203.0.113.7"), 3);
  });

  test("are kept for this host", () => {
    const { come, fill, places } = createPlaces();
    places.know("198.51.100.1");
    places.know("198.51.100.2");
    places.know("198.51.100.3");
    places.know("198.51.100.4");
    fill(3000, (index) => `10.0.${index >> 8}.${index & 255}`);
    fill(1200, (index) => `198.51.100.${1 + (index % 4)}`);
    assert.equal(places.size, 1000 - connectionLimits.keptForOwnHost);
    for (let index = 0; index < connectionLimits.keptForOwnHost; index++) {
      assert.equal(come("127.0.0.1", true).evicted, undefined);
    }
    assert.equal(places.size, 1000);
    const { holder } = come("127.0.0.1", true);
    fill(1200, (index) => `198.51.100.${1 + (index % 4)}`);
    assert.ok(places.has(holder));
  });

  test("are kept for networks from which somebody has logged in", () => {
    const { come, fill, places } = createPlaces();
    places.know("198.51.100.1");
    places.know("2001:db8:5::1");
    fill(3000, (index) => `10.0.${index >> 8}.${index & 255}`);
    assert.equal(places.size, strangersMost);
    assert.equal(come("198.51.100.1").evicted, undefined);
    const { holder, evicted } = come("2001:db8:5::ffff");
    assert.equal(evicted, undefined);
    fill(3000, (index) => `10.0.${index >> 8}.${index & 255}`);
    assert.ok(places.has(holder));
  });

  test("come free, and what was there of a network that logs in is no stranger's any more", () => {
    const { come, fill, places } = createPlaces();
    const mine = come("198.51.100.1");
    places.know("198.51.100.1");
    fill(3000, (index) => `10.0.${index >> 8}.${index & 255}`);
    assert.ok(places.has(mine.holder));
    places.leave(mine.holder);
    places.leave(mine.holder);
    assert.equal(places.size, strangersMost);
  });

  test("are bounded however they come and go", () => {
    const { come, places } = createPlaces({ total: 40, perAddress: 10, perSite: 20 });
    const open: string[] = [];
    for (let index = 0; index < 5000; index++) {
      const number = (index * 7919) % 97;
      if (number % 5 === 0) places.know(`192.0.2.${number}`);
      if (number % 3 === 0) places.leave(open[(index * 31) % Math.max(open.length, 1)] ?? "");
      open.push(come(number % 11 === 0 ? "127.0.0.1" : `192.0.2.${number}`, number % 11 === 0).holder);
      assert.ok(places.size <= 40);
      assert.equal(open.filter((holder) => places.has(holder)).length, places.size);
    }
  });

  test("remember a bounded number of networks, few of one site", () => {
    const { come, fill, places } = createPlaces();
    places.know("198.51.100.1");
    for (let index = 0; index < 5000; index++) places.know(`2001:db8:1:${index.toString(16)}::1`);
    fill(3000, (index) => `10.0.${index >> 8}.${index & 255}`);
    const mine = come("198.51.100.1");
    assert.equal(mine.evicted, undefined);
    places.leave(mine.holder);
    assert.equal(come("2001:db8:1:1387::1").evicted, undefined);
    assert.notEqual(come("2001:db8:1:1::1").evicted, undefined);
    for (let index = 0; index < connectionLimits.knownSites; index++) {
      places.know(`172.16.${index >> 8}.${index & 255}`);
    }
    assert.notEqual(come("198.51.100.1").evicted, undefined);
  });
});
