import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { ClientAnswer, ClientRequest } from "../../../server/protocols/softether/client-request.ts";
import { leaveTls, stopReading } from "../../../server/transport/plain-text.ts";
import { encodePackRequest } from "../../../server/wire/pack-message.ts";
import { Pack } from "../../../server/wire/pack.ts";
import { encodeSignatureRequest } from "../../../server/wire/signature.ts";
import { serveOnLoopback, until } from "./loopback.ts";

const host = "127.0.0.1";
const signature = encodeSignatureRequest(host);
const login = encodePackRequest(new Pack().addStr("method", "login"), { host, date: new Date(0) });

/** A session that sends back what comes in, in upper case. */
function echo(encrypt: boolean, seen: { canLeaveTls?: boolean; closed?: boolean }) {
  return (request: ClientRequest): ClientAnswer => {
    seen.canLeaveTls = request.canLeaveTls;
    return {
      type: "join",
      pack: new Pack().addInt("error", 0),
      join: {
        encrypt,
        attach: (connection) => ({
          receive: (chunk) => connection.send(Buffer.from(chunk.toString("latin1").toUpperCase()), () => {}),
          closed: () => (seen.closed = true),
        }),
      },
    };
  };
}

describe("a connection that joins a session", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`goes on in clear after the answer where the session is not encrypted, over ${version}`, async () => {
      const seen: { canLeaveTls?: boolean; closed?: boolean } = {};
      await using server = await serveOnLoopback({}, echo(false, seen));
      const tcp = connectTcp(server.port, host);
      const tls = connectTls({
        socket: tcp,
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
      });
      await once(tls, "secureConnect");
      tls.write(Buffer.concat([signature, login]));
      let received = "";
      tls.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
      await until("the answer", () => received.includes("error"));
      assert.equal(seen.canLeaveTls, true);
      stopReading(tls);
      const plain = leaveTls(tls);
      let inClear = "";
      plain.on("data", (chunk: Buffer) => (inClear += chunk.toString("latin1")));
      for (const word of ["first ", "second ", "third"]) {
        plain.write(word);
        await until(`"${word}" to come back`, () => inClear.endsWith(word.toUpperCase()));
      }
      const large = "x".repeat(1_000_000);
      plain.write(large);
      await until("a megabyte to come back", () => inClear.endsWith("X".repeat(1_000_000)));
      assert.equal(server.connections.refusals()["connection-lost"], 0);
      plain.destroy();
      await until("the session to hear of the end", () => seen.closed === true);
      await until("the server to let go", () => server.connections.size === 0);
    });
  }

  test("goes on encrypted otherwise, and no longer counts as a connection that has not logged in", async () => {
    const seen: { closed?: boolean } = {};
    await using server = await serveOnLoopback({ perAddress: 1 }, echo(true, seen));
    const dial = async () => {
      const tls = connectTls({ port: server.port, host, rejectUnauthorized: false });
      await once(tls, "secureConnect");
      let received = "";
      tls.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
      tls.write(Buffer.concat([signature, login, Buffer.from("behind")]));
      await until("what stood behind the login", () => received.endsWith("BEHIND"));
      return tls;
    };
    const first = await dial();
    const second = await dial();
    assert.equal(server.connections.size, 2);
    first.destroy();
    second.destroy();
    await until("the server to let go", () => server.connections.size === 0);
    assert.equal(seen.closed, true);
  });

  test("is closed when its session has ended in the meantime", async () => {
    await using server = await serveOnLoopback({}, () => ({
      type: "join",
      pack: new Pack().addInt("error", 0),
      join: { encrypt: true, attach: () => undefined },
    }));
    const tls = connectTls({ port: server.port, host, rejectUnauthorized: false });
    tls.on("error", () => {});
    await once(tls, "secureConnect");
    tls.resume();
    tls.write(Buffer.concat([signature, login]));
    await once(tls, "close");
    await until("the server to let go", () => server.connections.size === 0);
  });
});
