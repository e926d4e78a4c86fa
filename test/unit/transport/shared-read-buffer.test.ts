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
      /** By the first byte, which tells the client. */
      const received = new Map<number, Buffer>();
      let ended = 0;
      server.on(accepted, (socket: Socket) => {
        const chunks: Buffer[] = [];
        socket.on("end", () => {
          const bytes = Buffer.concat(chunks);
          received.set(bytes[0] ?? -1, bytes);
          ended++;
        });
        const isShared = receiveShared(socket, (chunk) => {
          buffers.add(chunk.buffer);
          chunks.push(Buffer.from(chunk));
        });
        assert.equal(isShared, true, "the runtime does not read into memory of ours");
      });
      const sent = Array.from({ length: 8 }, (_, client) =>
        Buffer.concat(Array.from({ length: 40 }, (_, part) => Buffer.alloc(10_007, client + 8 * part))),
      );
      for (const bytes of sent) {
        const client = dial((server.address() as AddressInfo).port);
        for (let at = 0; at < bytes.length; at += 9_001) client.write(bytes.subarray(at, at + 9_001));
        client.end();
      }
      await until("all that was sent", () => ended === sent.length);
      for (const [client, bytes] of sent.entries()) {
        assert.ok(received.get(client)?.equals(bytes), `client ${client} sent other bytes`);
      }
      assert.equal(buffers.size, 1);
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
