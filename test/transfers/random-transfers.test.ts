import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { BadLink } from "../devices/support/bad-link.ts";
import { startChild } from "../devices/support/child.ts";
import { NatStations } from "../devices/support/nat-stations.ts";

/** Transfers over all links together; `npm run test:transfers` makes 10,000. */
const allTransfers = Number(process.env["VPNSERVER_TRANSFERS"] ?? 60);
/** What they are made up by; a run prints its own. */
const seed = Number(process.env["VPNSERVER_TRANSFERS_SEED"] ?? randomInt(2 ** 32));
const peer = "../../transfers/support/random-peer.ts";
const atOnce = 100;

const links: Readonly<Record<string, BadLink>> = {
  "loses, doubles, delays and corrupts a little": {
    lost: 0.01,
    doubled: 0.01,
    delayed: 0.05,
    corrupted: 0.01,
  },
  "does all of it, and often": { lost: 0.05, doubled: 0.05, delayed: 0.2, corrupted: 0.05 },
};

const transfers = Math.ceil(allTransfers / Object.keys(links).length);

describe("the TCP of a NAT and a client's kernel over a link that", () => {
  let stations: NatStations;
  before(async () => (stations = await NatStations.create()));
  after(() => stations.dispose());

  for (const [what, link] of Object.entries(links)) {
    test(`${what} bring every byte of random transfers`, async (t) => {
      const { behind, web } = stations;
      await using nat = await stations.startNat(link);
      await using server = startChild(web, peer, ["serve"]);
      assert.equal(await server.nextLine(), "ready");
      await stations.giveAddress();
      t.diagnostic(`VPNSERVER_TRANSFERS_SEED=${seed}`);
      const words = ["ask", web.address, String(transfers), String(atOnce), String(seed)];
      await using client = startChild(behind, peer, words);
      const wrong: string[] = [];
      let line = await client.nextLine();
      for (; line !== undefined && !line.includes(" right, "); line = await client.nextLine())
        wrong.push(line);
      t.diagnostic(line ?? "");
      assert.deepEqual(wrong, []);
      assert.match(line ?? "", new RegExp(`^${transfers} right, `));
      assert.equal((await nat.counts()).refused.connections, 0);
    });
  }
});
