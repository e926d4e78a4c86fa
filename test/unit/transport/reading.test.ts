import assert from "node:assert/strict";
import { once } from "node:events";
import {
  connect as connectTcp,
  createServer as createTcpServer,
  type AddressInfo,
  type Socket,
} from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { goOnReading, holdReading } from "../../../server/transport/reading.ts";
import { testCertificate, until } from "./loopback.ts";

/** When it is over, everything that had been sent before has been read by who reads. */
async function roundTrip(): Promise<void> {
  const server = createTcpServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connectTcp({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  socket.write("x");
  await once(socket, "data");
  socket.destroy();
  server.close();
}

describe("reading", () => {
  test("is put off and taken up again below TLS that waits for its first message", async () => {
    const { certificatePem: cert, keyPem: key } = await testCertificate();
    const tls = createTlsServer({ cert, key });
    const server = createTcpServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const { port } = server.address() as AddressInfo;
    const below = connectTcp({ port, host: "127.0.0.1" });
    const client = connectTls({ socket: below, rejectUnauthorized: false });
    try {
      const [socket] = await accepted;
      tls.emit("connection", socket);
      // TLS begins to read when it has returned.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      holdReading(socket);
      await until("the client's first message", () => below.bytesWritten > 0);
      await roundTrip();
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
