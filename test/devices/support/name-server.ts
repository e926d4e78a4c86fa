import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/**
 * A name server for the lab, by UDP and TCP: every name has the address of the first argument and the text `of the lab`. A name that
 * begins with `long` has a text that only TCP has room for, and one that begins with `silent` is never answered. It says `ready` when
 * it listens, and ends with its standard input.
 */
const [address = ""] = process.argv.slice(2);
const port = 53;
const headerBytes = 12;
const lengthBytes = 2;
const types = { address: 1, text: 16 } as const;
const truncated = 0x0200;
/** Strings of a text record, of the most bytes that one may have. */
const longText = Array.from({ length: 8 }, () => Buffer.alloc(255, "x"));

function textOf(strings: readonly Buffer[]): Buffer {
  return Buffer.concat(strings.flatMap((string) => [Buffer.of(string.length), string]));
}

/** Nothing for a name that is not to be answered. */
function answerTo(query: Buffer, mayBeLong: boolean): Buffer | undefined {
  // The name ends with a byte of 0; its type and class come after it.
  const questionEnd = query.indexOf(0, headerBytes) + 5;
  const firstLabel = query.toString("latin1", headerBytes + 1, headerBytes + 1 + (query[headerBytes] ?? 0));
  if (firstLabel.startsWith("silent")) return undefined;
  const isLong = firstLabel.startsWith("long");
  const isCut = isLong && !mayBeLong;
  const data: Readonly<Record<number, Buffer>> = {
    [types.address]: Buffer.from(address.split(".").map(Number)),
    [types.text]: textOf(isLong ? longText : [Buffer.from("of the lab")]),
  };
  const type = query.readUInt16BE(questionEnd - 4);
  const answer = isCut ? undefined : data[type];
  const header = Buffer.from(query.subarray(0, headerBytes));
  header.writeUInt16BE(0x8180 | (isCut ? truncated : 0), 2);
  header.writeUInt16BE(answer === undefined ? 0 : 1, 6);
  // What the client adds, such as EDNS, is not answered.
  header.writeUInt32BE(0, 8);
  const record = Buffer.from("c00c000000010000003c0000", "hex");
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(answer?.length ?? 0, 10);
  const parts = answer === undefined ? [] : [record, answer];
  return Buffer.concat([header, query.subarray(headerBytes, questionEnd), ...parts]);
}

const socket = createSocket("udp4");
socket.on("message", (query, from) => {
  const answer = answerTo(query, false);
  if (answer !== undefined) socket.send(answer, from.port, from.address);
});
const server = createServer((connection) => {
  let got = Buffer.alloc(0);
  connection.on("error", () => {});
  connection.on("data", (bytes) => {
    got = Buffer.concat([got, bytes]);
    while (got.length >= lengthBytes && got.length >= lengthBytes + got.readUInt16BE()) {
      const end = lengthBytes + got.readUInt16BE();
      const answer = answerTo(got.subarray(lengthBytes, end), true);
      got = got.subarray(end);
      if (answer === undefined) continue;
      const length = Buffer.alloc(lengthBytes);
      length.writeUInt16BE(answer.length);
      connection.write(Buffer.concat([length, answer]));
    }
  });
});
socket.bind(port, () => server.listen(port, () => console.log("ready")));
process.stdin.resume().once("end", () => process.exit());
