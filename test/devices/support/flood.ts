import { createSocket } from "node:dgram";
import { connect } from "node:net";

/**
 * Sends 20,000 UDP packets a second from a thousand ports, and begins 500 connections a second to a port that never answers, until the end
 * of its standard input. It says `ready` when it is at it.
 */
const [host = ""] = process.argv.slice(2);
const everyMs = 10;
const sockets = Array.from({ length: 1_000 }, () => createSocket("udp4").on("error", () => {}));
const payload = Buffer.alloc(100);
let rounds = 0;
setInterval(() => {
  const first = (rounds++ % 5) * 200;
  for (const socket of sockets.slice(first, first + 200)) socket.send(payload, 9, host, () => {});
  for (let count = 0; count < 5; count++) connect(8_090, host).on("error", () => {});
  if (rounds === 20) console.log("ready");
}, everyMs);
process.stdin.resume().once("end", () => process.exit());
