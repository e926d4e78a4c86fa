import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { chooseListeners, findFreePort, isPortTaken } from "../../../tools/quickstart/listeners.ts";

describe("chooseListeners", () => {
  const choose = (...taken: number[]) =>
    chooseListeners(
      (port) => Promise.resolve(taken.includes(port)),
      () => Promise.resolve(50_000),
    );

  test("takes the ports of every server where they are free", async () => {
    assert.deepEqual(await choose(), { listeners: [443, 992, 5555], notes: [] });
  });

  test("takes a free port in the place of 5555, and says so", async () => {
    const { listeners, notes } = await choose(5555);
    assert.deepEqual(listeners, [443, 992, 50_000]);
    assert.match(notes.join(), /5555 is taken.*50000/);
  });

  test("keeps 443 and 992 even when they are taken, and says that they will not serve", async () => {
    const { listeners, notes } = await choose(443, 992);
    assert.deepEqual(listeners, [443, 992, 5555]);
    assert.equal(notes.length, 2);
    assert.match(notes.join(), /443 is taken.*Error/);
  });
});

describe("isPortTaken", () => {
  test("tells a port that is in use from one that is free", async () => {
    const server = createServer().listen(0);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    assert.equal(await isPortTaken(port), true);
    server.close();
    await once(server, "close");
    assert.equal(await isPortTaken(port), false);
    assert.ok((await findFreePort()) >= 1024);
  });
});
