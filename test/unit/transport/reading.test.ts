import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { goOnReading, holdReading } from "../../../server/transport/reading.ts";
import { testCertificate } from "./loopback.ts";

describe("reading", () => {
  test("is put off and taken up again below TLS that waits for its first message", async () => {
    const { certificatePem: cert, keyPem: key } = await testCertificate();
    const tls = createTlsServer({ cert, key });
    const server = createTcpServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const { port } = server.address() as AddressInfo;
    const client = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    try {
      const [socket] = await accepted;
      tls.emit("connection", socket);
      // TLS begins to read when it has returned.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      holdReading(socket);
      // Long enough for a loopback; what is shown is that nothing comes.
      await delay(50);
      assert.equal(socket.bytesRead, 0);
      goOnReading(socket);
      await once(client, "secureConnect");
      assert.ok(socket.bytesRead > 0);
    } finally {
      client.destroy();
      server.close();
    }
  });
});
