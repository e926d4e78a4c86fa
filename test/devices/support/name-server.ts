import { createSocket } from "node:dgram";

/**
 * A name server for the lab: every name has the address of the first argument and the text `of the lab`. It says `ready` when it
 * listens, and ends with its standard input.
 */
const [address = ""] = process.argv.slice(2);
const texts = Buffer.from("of the lab");
const data: Readonly<Record<number, Buffer>> = {
  1: Buffer.from(address.split(".").map(Number)),
  16: Buffer.concat([Buffer.of(texts.length), texts]),
};
const headerBytes = 12;

const socket = createSocket("udp4");
socket.on("message", (query, { port, address: client }) => {
  // The name ends with a byte of 0; its type and class come after it.
  const questionEnd = query.indexOf(0, headerBytes) + 5;
  const type = query.readUInt16BE(questionEnd - 4);
  const answer = data[type];
  const header = Buffer.from(query.subarray(0, headerBytes));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(answer === undefined ? 0 : 1, 6);
  header.writeUInt32BE(0, 8);
  const record = Buffer.from("c00c000000010000003c0000", "hex");
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(answer?.length ?? 0, 10);
  const parts = answer === undefined ? [] : [record, answer];
  socket.send(Buffer.concat([header, query.subarray(headerBytes, questionEnd), ...parts]), port, client);
});
socket.bind(53, () => console.log("ready"));
process.stdin.resume().once("end", () => process.exit());
