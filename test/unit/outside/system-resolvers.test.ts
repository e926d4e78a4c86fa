import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, test } from "node:test";
import {
  queryResolvers,
  resolverAddresses,
  SystemResolvers,
} from "../../../server/outside/system-resolvers.ts";

const query = Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]);
let sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets) socket.close();
  sockets = [];
});

/** A resolver on loopback that the test answers for. */
async function resolver(answer: (question: Buffer, reply: (bytes: Buffer) => void) => void) {
  const socket = createSocket("udp4");
  sockets.push(socket);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.on("message", (question, { port }) =>
    answer(question, (bytes) => socket.send(bytes, port, "127.0.0.1")),
  );
  return { host: "127.0.0.1", port: socket.address().port };
}

/** The question with the flag that makes it an answer. */
const answerOf = (question: Buffer) => {
  const answer = Buffer.from(question);
  answer[2] = 0x81;
  return answer;
};

const ask = (resolvers: Parameters<typeof queryResolvers>[2], inTurn?: (opening: () => void) => void) =>
  new Promise<Buffer | undefined>((resolve) => void queryResolvers(query, resolve, resolvers, inTurn));

describe("the resolvers of the host", () => {
  test("are asked with a number of their own, and the answer has that of the question", async () => {
    const numbers: number[] = [];
    const address = await resolver((question, reply) => {
      numbers.push(question.readUInt16BE(0));
      assert.deepEqual(question.subarray(2), query.subarray(2));
      reply(answerOf(question));
    });
    for (let times = 0; times < 3; times++) assert.deepEqual(await ask([address]), answerOf(query));
    assert.equal(new Set(numbers).size > 1, true);
  });

  test("are not believed when the number is wrong, or when it is no answer", async () => {
    const address = await resolver((question, reply) => {
      const wrong = answerOf(question);
      wrong.writeUInt16BE((question.readUInt16BE(0) + 1) & 0xffff, 0);
      for (const bytes of [wrong, question, Buffer.alloc(3), answerOf(question)]) reply(bytes);
    });
    assert.deepEqual(await ask([address]), answerOf(query));
  });

  test("are asked one after the other", async () => {
    const gone = await resolver(() => {});
    const [socket] = sockets.splice(0);
    socket?.close();
    const address = await resolver((question, reply) => reply(answerOf(question)));
    // Nobody listens there, which the system says at once.
    assert.deepEqual(await ask([gone, address]), answerOf(query));
  });

  test("are passed over where there is no way to them", async () => {
    // The system refuses both at once: broadcasts, and an address that needs an interface.
    const [broadcast, local] = [
      { host: "255.255.255.255", port: 53 },
      { host: "fe80::1", port: 53 },
    ];
    const address = await resolver((question, reply) => reply(answerOf(question)));
    assert.deepEqual(await ask([broadcast, local, address]), answerOf(query));
    assert.equal(await ask([broadcast, local]), undefined);
  });

  test("are those that the runtime tells, link-local ones by the interface that the host's file names", () => {
    const file = "# fe80::9%no\nnameserver fe80::1%eth0\n nameserver\tfe80::2%wlan0 \nnameserver 192.0.2.1\n";
    const servers = ["192.0.2.1", "192.0.2.2:5353", "2001:db8::1", "[2001:db8::2]:54", "fe80::2", "fe80::9"];
    assert.deepEqual(
      resolverAddresses(servers, () => file).map(({ host, port }) => `${host} ${port}`),
      [
        "192.0.2.1 53",
        "192.0.2.2 5353",
        "2001:db8::1 53",
        "2001:db8::2 54",
        "fe80::2%wlan0 53",
        "fe80::9 53",
      ],
    );
    assert.deepEqual(
      resolverAddresses(["192.0.2.1"], () => assert.fail()),
      [{ host: "192.0.2.1", port: 53 }],
    );
  });

  test("are looked for anew after a second, and not for each question", () => {
    let [now, reads] = [0, 0];
    const resolvers = new SystemResolvers(
      () => now,
      () => [{ host: `192.0.2.${++reads}`, port: 53 }],
    );
    const hosts = () => resolvers.get().map(({ host }) => host);
    assert.deepEqual([hosts(), hosts()], [["192.0.2.1"], ["192.0.2.1"]]);
    now = 999;
    assert.deepEqual(hosts(), ["192.0.2.1"]);
    now = 1_000;
    assert.deepEqual(hosts(), ["192.0.2.2"]);
  });

  test("are each asked when it is the turn of a socket, and no more after the question was given up", async () => {
    const waiting: (() => void)[] = [];
    let questions = 0;
    const address = await resolver((question, reply) => {
      questions++;
      reply(answerOf(question));
    });
    const answer = ask([address], (opening) => waiting.push(opening));
    await new Promise(setImmediate);
    assert.deepEqual([waiting.length, questions], [1, 0]);
    waiting.shift()?.();
    assert.deepEqual(await answer, answerOf(query));
    const giveUp = queryResolvers(
      query,
      () => assert.fail(),
      [address],
      (opening) => waiting.push(opening),
    );
    await new Promise(setImmediate);
    giveUp();
    waiting.shift()?.();
    await ask([address]);
    assert.equal(questions, 2);
  });

  test("leave a question without an answer when there are none", async () => {
    assert.equal(await ask([]), undefined);
  });

  test("are asked no more when the question is given up", async () => {
    const asked = Promise.withResolvers<(bytes: Buffer) => void>();
    const address = await resolver((question, reply) => asked.resolve(() => reply(answerOf(question))));
    let answers = 0;
    const giveUp = queryResolvers(query, () => answers++, [address]);
    const reply = await asked.promise;
    giveUp();
    reply(Buffer.alloc(0));
    queryResolvers(query, () => answers++, [address])();
    // Another question passes both on the way.
    const other = await resolver((question, answer) => answer(answerOf(question)));
    await ask([other]);
    assert.equal(answers, 0);
  });
});
