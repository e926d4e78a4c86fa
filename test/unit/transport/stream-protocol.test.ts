import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { firstBytes, recognize, type StreamProtocol } from "../../../server/transport/stream-protocol.ts";
import { dialTcp, dialTls, serveProtocols, until } from "./loopback.ts";

/** Answers what comes in behind a first word. */
function echo(word: string): StreamProtocol {
  return {
    name: word,
    recognizes: (first) => {
      const text = first.toString("latin1");
      return text.length < word.length && word.startsWith(text) ? undefined : text.startsWith(word);
    },
    serve: (connection, received) => {
      const answer = (chunk: Buffer) => connection.send(Buffer.from(`${word}:${chunk.toString("latin1")};`));
      connection.hear(answer);
      answer(received.subarray(word.length));
    },
  };
}

describe("the protocols of a listener", () => {
  test("are told apart by what a client sends first, in whatever pieces", async () => {
    await using server = await serveProtocols({ protocols: [echo("one"), echo("other")] });
    for (const word of ["one", "other"]) {
      const client = await dialTls(server.port);
      for (const part of [word.slice(0, 1), word.slice(1)]) {
        client.socket.write(part);
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.socket.write("x");
      await client.gets(new RegExp(`${word}:.*x;$`));
      client.socket.destroy();
    }
    await until("the server to let go", () => server.connections.size === 0);
  });

  test("serve nobody who speaks none of them", async () => {
    await using server = await serveProtocols({ protocols: [echo("one")] });
    const client = await dialTls(server.port);
    client.socket.write("two");
    await client.isClosed();
    assert.equal(server.connections.refusals()["protocol-unknown"], 1);
  });

  test("may come before TLS, which goes on beside them", async () => {
    await using server = await serveProtocols({
      protocols: [echo("inside")],
      clearProtocols: [echo("clear")],
    });
    const clear = await dialTcp(server.port);
    clear.socket.write("clear");
    await clear.gets(/^clear:;$/);
    clear.socket.write("more");
    await clear.gets(/clear:more;$/);
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const encrypted = await dialTls(server.port, { minVersion: version, maxVersion: version });
      encrypted.socket.write("inside");
      await encrypted.gets(/^inside:;$/);
      encrypted.socket.destroy();
    }
    clear.socket.destroy();
    await until("the server to let go", () => server.connections.size === 0);
  });

  test("have the deadline of TLS for their first bytes", async () => {
    await using server = await serveProtocols(
      { protocols: [], clearProtocols: [echo("clear")] },
      { tlsMs: 100 },
    );
    const client = await dialTcp(server.port);
    await client.isClosed();
    assert.equal(server.connections.refusals()["tls-deadline"], 1);
  });

  test("are known by a bounded number of bytes", () => {
    const never = { recognizes: () => undefined };
    assert.equal(recognize([never], Buffer.alloc(firstBytes - 1)), undefined);
    assert.equal(recognize([never], Buffer.alloc(firstBytes)), "none");
  });
});
