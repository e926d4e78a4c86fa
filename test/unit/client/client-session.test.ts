import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ClientSession, type ClientAccount } from "../../../server/client/client-session.ts";
import { openTcp } from "../../../server/client/probe.ts";
import { hubOf, userOf } from "../access/login-fixture.ts";
import { until } from "../transport/loopback.ts";
import { startServerIn, type ServerInTest } from "../worker/running-server.ts";

let directory: string;
let server: ServerInTest;
let port: number;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "client-session-"));
  server = await startServerIn(directory, (settings) => ({
    ...settings,
    hubs: [hubOf({ users: [userOf("alice"), userOf("bob")] })],
    listeners: [{ port: 0, enabled: true }],
  }));
  port = server.listeners()[0]?.port ?? 0;
});
after(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

/** A session that keeps what comes in. */
async function open(userName: string, account: Partial<ClientAccount> = {}) {
  const frames: Buffer[] = [];
  const ends: string[] = [];
  const session = await ClientSession.open(
    await openTcp("127.0.0.1", port, 5_000),
    { hubName: "default", userName, password: "secret", ...account },
    {
      frames: (buffer, start, end) => {
        for (let at = start; at < end; at += 4 + buffer.readUInt32BE(at)) {
          frames.push(Buffer.from(buffer.subarray(at + 4, at + 4 + buffer.readUInt32BE(at))));
        }
      },
      ended: (reason) => ends.push(reason),
    },
  );
  return { session, frames, ends };
}

const everybody = "ffffffffffff";
/** A frame of a type for experiments (IEEE 802), which nobody takes for IP. */
const frameOf = (destination: string, source: string, text: string) =>
  Buffer.concat([Buffer.from(`${destination}${source}88b5`, "hex"), Buffer.from(text.padEnd(46))]);

describe("a session of the client side", () => {
  test("carries frames to another one and back, and ends with its connection", async () => {
    const alice = await open("alice");
    const bob = await open("bob");
    assert.match(alice.session.name, /^SID-ALICE-\d+$/);
    const hello = frameOf(everybody, "020000000001", "hello");
    assert.equal(alice.session.send(hello), true);
    await until("bob to hear", () => bob.frames.length === 1);
    assert.deepEqual(bob.frames[0], hello);
    const answer = frameOf("020000000001", "020000000002", "answer");
    for (let count = 0; count < 100; count++) bob.session.send(answer);
    await until("alice to hear", () => alice.frames.length === 100);
    assert.deepEqual(new Set(alice.frames.map((frame) => frame.toString("hex"))).size, 1);
    assert.deepEqual(alice.frames[0], answer);
    alice.session.close();
    await until("the end", () => alice.ends.length === 1);
    assert.deepEqual(alice.ends, ["closed"]);
    bob.session.close();
    await until("the end", () => bob.ends.length === 1);
  });

  test("is refused by the name of the error", async () => {
    await assert.rejects(open("alice", { password: "wrong" }), /refused the login: authenticationFailed/);
    await assert.rejects(open("alice", { hubName: "none" }), /refused the login: hubNotFound/);
  });

  test("is not begun with a server that shows another certificate", async () => {
    const { fingerprint } = server.identity.current;
    const { session } = await open("alice", { fingerprint });
    session.close();
    await assert.rejects(
      open("alice", { fingerprint: fingerprint.replace(/^../, "00") }),
      /shows the certificate .* not the expected one/,
    );
  });

  test("is told when the server ends it", async () => {
    const { ends } = await open("bob");
    await server.configuration.update((settings) => ({ ...settings, hubs: [] }));
    await until("the end", () => ends.length === 1);
    assert.match(ends[0] ?? "", /closed the connection/);
  });
});
