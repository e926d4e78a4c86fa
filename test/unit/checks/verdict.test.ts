import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { judge, strictBounds, tableOf } from "../../../attack/support/verdict.ts";

type Seen = Parameters<typeof judge>[0];

const pings = Array.from({ length: 100 }, (_, index) => ({ sentAt: 1_000 + index * 20, tookMs: 1 }));
const served = [{ at: 1_500, tookMs: 20 }];
const well: Seen = {
  name: "none",
  innocence: {
    ...{ begun: 0, bucketMs: 100, lostSessions: 0, pings },
    sent: Array.from({ length: 31 }, () => 100),
    arrived: Array.from({ length: 31 }, () => 100),
    logins: served,
  },
  administered: { calls: served, checks: served },
  ...{ from: 1_000, to: 3_000, findings: {}, beforeMb: 90, peakMb: 100, afterMb: 95, restarts: 0 },
};

const faultsOf = (change: Partial<Seen>) => judge({ ...well, ...change }, strictBounds).faults.join("; ");

describe("the verdict over an attack", () => {
  test("has nothing against a server that serves all", () => {
    assert.equal(faultsOf({}), "");
  });

  test("names a lost ping", () => {
    const lost = pings.map((ping, index) => (index === 50 ? { ...ping, tookMs: null } : ping));
    assert.match(faultsOf({ innocence: { ...well.innocence, pings: lost } }), /^1 of 100 pings lost$/);
  });

  test("does not count what was before and after", () => {
    const outside = [...pings, { sentAt: 999, tookMs: null }, { sentAt: 3_000, tookMs: null }];
    assert.equal(faultsOf({ innocence: { ...well.innocence, pings: outside } }), "");
  });

  test("names pings that were slow, when more than one in a hundred was", () => {
    const slow = (count: number) => ({
      innocence: {
        ...well.innocence,
        pings: pings.map((ping, index) => ({ ...ping, tookMs: index < count ? 400 : 1 })),
      },
    });
    assert.equal(faultsOf(slow(1)).includes("400 ms"), true);
    assert.equal(faultsOf(slow(0)), "");
  });

  test("names a flow that did not arrive", () => {
    const arrived = well.innocence.sent.map((frames, index) => (index > 15 && index < 25 ? null : frames));
    assert.match(faultsOf({ innocence: { ...well.innocence, arrived } }), /^55 % of the flow arrived$/);
  });

  test("names whom the server did not answer, refused or let wait", () => {
    const { administered } = well;
    assert.match(faultsOf({ administered: { ...administered, calls: [] } }), /administration: not answered/);
    const refused = [{ at: 1_500, tookMs: 1, error: "closed" }];
    assert.match(faultsOf({ administered: { ...administered, checks: refused } }), /vpnserver check: 1 of 1/);
    const logins = [{ at: 1_500, tookMs: 9_000 }];
    assert.match(faultsOf({ innocence: { ...well.innocence, logins } }), /login of another user: took/);
  });

  test("names memory, a worker that ended, and what the attack found itself", () => {
    assert.match(faultsOf({ peakMb: 401 }), /401 MB/);
    assert.match(faultsOf({ restarts: 1 }), /worker ended 1 times/);
    assert.match(faultsOf({ findings: { faults: ["it got in"] } }), /it got in/);
  });

  test("is a row of a table in Markdown", () => {
    const [head = "", line = "", row = ""] = tableOf([judge(well, strictBounds)]).split("\n");
    assert.equal(head.split("|").length, row.split("|").length);
    assert.match(line, /^\| -+ +\| -+: /);
    assert.match(row, /none .* yes \|$/);
  });
});
