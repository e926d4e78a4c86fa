import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { readLeases, writeLeases } from "../../../server/worker/secure-nat/lease-file.ts";

let directory: string;
let path: string;
let problems: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-leases-"));
  path = join(directory, "leases.json");
  problems = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const read = () => readLeases(path, (problem) => problems.push(problem));
const lease = {
  address: 0xc0a8_1e0a,
  mac: "5e0000005301",
  hostName: "laptop",
  leasedAt: 1_700_000_000_000,
  expiresAt: 1_700_007_200_000,
  isOffer: false,
};

describe("the file of leases", () => {
  test("has what was written, for the user alone", async () => {
    const leases = new Map([
      ["default", [lease, { ...lease, address: 0xc0a8_1e0b, mac: "5e0000005302", hostName: "" }]],
      ["empty", []],
    ]);
    await writeLeases(path, leases);
    assert.deepEqual(await read(), leases);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  test("is empty where there is none", async () => {
    assert.deepEqual([await read(), problems], [new Map(), []]);
  });

  test("that is damaged is told of, and stands for none", async () => {
    await writeFile(path, "{");
    assert.deepEqual(await read(), new Map());
    assert.equal(problems.length, 1);
    assert.ok(problems[0]?.includes(path));
  });

  test("gives no lease that cannot be", async () => {
    const times = { leasedAt: "2026-01-01T00:00:00Z", expiresAt: "2026-01-01T02:00:00Z" };
    const good = { address: "10.0.0.1", mac: "5e0000005301", ...times };
    const bad = [
      null,
      7,
      {},
      { ...good, address: "10.0.0" },
      { ...good, mac: "" },
      { ...good, mac: 5 },
      { ...good, expiresAt: "soon" },
      { ...good, leasedAt: undefined },
    ];
    await writeFile(path, JSON.stringify({ a: [...bad, good], b: 5 }));
    const leases = await read();
    assert.deepEqual(
      leases.get("a")?.map(({ address }) => address),
      [0x0a00_0001],
    );
    assert.deepEqual(leases.get("b"), []);
    assert.deepEqual(problems, []);
  });
});
