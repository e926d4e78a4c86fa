import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { LocalListener } from "../../../server/platform/local-server.ts";
import { connectByPipe, listenByPipe } from "../../../server/platform/named-pipe.ts";

/** Sockets in a folder stand in for pipes of Windows. */
let folder: string;
let path: string;
let listener: LocalListener | undefined;
let others: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vpnserver-pipe-"));
  path = join(folder, "control.sock");
});
afterEach(async () => {
  await listener?.close();
  listener = undefined;
  await new Promise((resolve) => (others === undefined ? resolve(undefined) : others.close(resolve)));
  others = undefined;
  await rm(folder, { recursive: true, force: true });
});

const soon = () => AbortSignal.timeout(10_000);

async function listen(onConnection: (socket: Socket) => void = echo): Promise<void> {
  listener = await listenByPipe(path, { connections: 4, onConnection }, `${folder}/`);
}

function echo(socket: Socket): void {
  socket.on("data", (bytes: Buffer) => socket.write(bytes));
  socket.on("end", () => socket.end());
}

async function addressInFile(): Promise<{ pipe: string; key: string }> {
  return JSON.parse(await readFile(path, "utf8")) as { pipe: string; key: string };
}

describe("a local connection by a named pipe", () => {
  test("carries both ways what is said after the proof, and what came with it", async () => {
    await listen();
    const socket = await connectByPipe(path, soon());
    socket.end("hello".repeat(50_000));
    assert.equal(await text(socket), "hello".repeat(50_000));
  });

  test("has another name and key at each start, in a file of this user alone", async () => {
    await listen();
    const first = await addressInFile();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await listener?.close();
    await listen();
    const second = await addressInFile();
    assert.notEqual(second.pipe, first.pipe);
    assert.notEqual(second.key, first.key);
  });

  for (const [what, words] of [
    ["says something else", Buffer.alloc(64, 7)],
    ["asks at once", Buffer.from('{"command":"stop"}\n'.padEnd(96))],
    ["says too little", Buffer.alloc(10)],
  ] as const) {
    test(`is none for who does not know the key, and ${what}`, async () => {
      let admitted = 0;
      await listen(() => admitted++);
      const { pipe } = await addressInFile();
      const socket = connect({ path: pipe });
      socket.end(words);
      await text(socket).catch(() => "");
      assert.equal(admitted, 0);
    });
  }

  test("is told nothing where somebody else has taken the place of the server", async () => {
    await listen();
    const { pipe, key } = await addressInFile();
    await listener?.close();
    listener = undefined;
    const heard: Buffer[] = [];
    others = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes: Buffer) => {
        heard.push(bytes);
        socket.write(Buffer.alloc(64, 1));
      });
    });
    await new Promise<void>((resolve) => others?.listen(pipe, resolve));
    await writeFile(path, JSON.stringify({ pipe, key }));
    await assert.rejects(connectByPipe(path, soon()), /is not the server of this state directory/);
    assert.equal(Buffer.concat(heard).length, 32);
  });

  test("fails with the system's word where the server has ended, and where there never was one", async () => {
    await assert.rejects(connectByPipe(path, soon()), { code: "ENOENT" });
    await listen();
    const address = await readFile(path);
    await listener?.close();
    listener = undefined;
    await assert.rejects(stat(path), { code: "ENOENT" });
    await writeFile(path, address);
    await assert.rejects(connectByPipe(path, soon()), { code: "ENOENT" });
  });

  test("is not looked for by a file that tells nothing", async () => {
    for (const content of ["", "{}", '{"pipe":7,"key":"00"}', '{"pipe":"x","key":"zz"}']) {
      await writeFile(path, content);
      await assert.rejects(connectByPipe(path, soon()), /JSON|does not tell where the server listens/);
    }
  });

  test("ends with its signal", async () => {
    await listen();
    const { pipe, key } = await addressInFile();
    await listener?.close();
    listener = undefined;
    // One that never answers.
    others = createServer((socket) => socket.on("error", () => {}).resume());
    await new Promise<void>((resolve) => others?.listen(pipe, resolve));
    await writeFile(path, JSON.stringify({ pipe, key }));
    await assert.rejects(connectByPipe(path, AbortSignal.timeout(50)));
  });
});
