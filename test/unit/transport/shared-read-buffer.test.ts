import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { receiveShared } from "../../../server/transport/shared-read-buffer.ts";
import { testCertificate, until } from "./loopback.ts";

/** A server and its clients on loopback: `dial` gives both ends of a new connection. */
const kinds = {
  TCP: async () => {
    const server = createTcpServer();
    return {
      server,
      accepted: "connection",
      dial: (port: number): Socket => connectTcp(port, "127.0.0.1"),
    };
  },
  TLS: async () => {
    const { certificatePem: cert, keyPem: key } = await testCertificate();
    return {
      server: createTlsServer({ cert, key }),
      accepted: "secureConnection",
      dial: (port: number): Socket =>
        connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, minVersion: "TLSv1.3" }),
    };
  },
};

for (const [kind, start] of Object.entries(kinds)) {
  describe(`reading ${kind} into the shared buffer`, () => {
    test("gives each connection its own bytes, all from one buffer, and tells of the end", async () => {
      const { server, accepted, dial } = await start();
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const buffers = new Set<ArrayBufferLike>();
      const received = new Map<Socket, { bytes: Buffer[]; ended: boolean }>();
      server.on(accepted, (socket: Socket) => {
        const of = { bytes: [] as Buffer[], ended: false };
        received.set(socket, of);
        socket.on("end", () => (of.ended = true));
        const isShared = receiveShared(socket, (chunk) => {
          buffers.add(chunk.buffer);
          of.bytes.push(Buffer.from(chunk));
        });
        assert.equal(isShared, true, "the runtime does not read into memory of ours");
      });
      const clients = Array.from({ length: 8 }, () => dial((server.address() as AddressInfo).port));
      const parts = (client: number) =>
        Array.from({ length: 40 }, (_, part) => Buffer.alloc(10_007, client * 40 + part));
      for (const [index, client] of clients.entries()) {
        for (const part of parts(index)) client.write(part);
        client.end();
      }
      await until("all that was sent", () => {
        return received.size === 8 && [...received.values()].every(({ ended }) => ended);
      });
      for (const [socket, { bytes }] of received) {
        const index = clients.findIndex(({ localPort }) => localPort === socket.remotePort);
        assert.ok(Buffer.concat(bytes).equals(Buffer.concat(parts(index))), `connection ${index}: other bytes`);
      }
      assert.equal(buffers.size, 1);
      for (const socket of [...received.keys(), ...clients]) socket.destroy();
      server.close();
      await once(server, "close");
    });

    test("begins with what was read before", async () => {
      const { server, accepted, dial } = await start();
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      let text = "";
      const client = dial((server.address() as AddressInfo).port);
      const [socket] = (await once(server, accepted)) as [Socket];
      client.write("early ");
      await once(socket, "readable");
      receiveShared(socket, (chunk) => (text += chunk.toString("latin1")));
      client.write("late");
      await until("both", () => text === "early late");
      client.destroy();
      socket.destroy();
      server.close();
      await once(server, "close");
    });
  });
}
