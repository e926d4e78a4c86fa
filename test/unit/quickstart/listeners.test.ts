import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { choosePort, findFreePort, isPortTaken } from "../../../tools/quickstart/listeners.ts";

describe("choosePort", () => {
  const choose = (...taken: number[]) =>
    choosePort(
      (port) => Promise.resolve(taken.includes(port)),
      () => Promise.resolve(50_000),
    );

  test("takes the one that serves without root where it is free", async () => {
    assert.deepEqual(await choose(443, 992), { port: 5555 });
  });

  test("takes a free port in the place of 5555, and says so", async () => {
    const { port, note } = await choose(5555);
    assert.equal(port, 50_000);
    assert.match(note ?? "", /5555 is taken.*50000/);
  });
});

describe("isPortTaken", () => {
  for (const [where, listened, wanted] of [
    ["everywhere", undefined, undefined],
    ["on loopback", "127.0.0.1", "127.0.0.1"],
    ["on loopback, by a server that listens everywhere", undefined, "127.0.0.1"],
    ["everywhere, by a server that listens on loopback", "127.0.0.1", undefined],
  ] as const) {
    test(`tells a port that is in use from one that is free ${where}`, async () => {
      const server = createServer().listen(0, listened);
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      assert.equal(await isPortTaken(port, wanted), true);
      server.close();
      await once(server, "close");
      assert.equal(await isPortTaken(port, wanted), false);
      assert.ok((await findFreePort(wanted)) >= 1024);
    });
  }
});
