import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { oddPorts } from "./odd-ports.ts";
import { someBytes } from "./some-bytes.ts";

/**
 * A host that ends its connections in ways of its own, one for each of its ports. It says `ready`, and then a line of each connection that
 * is over: its port, what it got as SHA-256, and by which error it ended. A line `read` has it begin to read where it does not by itself.
 */
const serve: Readonly<Record<keyof typeof oddPorts, (socket: Socket) => void>> = {
  resetsInTheMiddle: (socket) => {
    socket.once("data", () => {
      for (const bytes of someBytes(1_000_000)) socket.write(bytes);
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
  },
  endsFirst: (socket) => void socket.end("bye").resume(),
  endsLast: (socket) => {
    let bytes = 0;
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.on("end", () => socket.end(`${bytes} bytes`));
  },
  readsLater: (socket) => {
    waiting.push(socket);
    socket.on("end", () => socket.end());
  },
};
const waiting: Socket[] = [];

let opening = Object.keys(oddPorts).length;
for (const [name, port] of Object.entries(oddPorts)) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash("sha256");
    let end = "done";
    const count = (chunk: Buffer) => hash.update(chunk);
    // The handler of the port decides when it is read.
    serve[name as keyof typeof oddPorts](socket);
    if (name === "readsLater") socket.pause();
    socket.on("data", count);
    if (name === "readsLater") socket.pause();
    socket.on("error", (error: NodeJS.ErrnoException) => (end = error.code ?? error.message));
    socket.on("close", () => console.log(JSON.stringify({ port, hash: hash.digest("hex"), end })));
  });
  server.listen(port, () => {
    if (--opening === 0) console.log("ready");
  });
}
createInterface({ input: process.stdin })
  .on("line", () => {
    for (const socket of waiting.splice(0)) socket.resume();
  })
  .once("close", () => process.exit());
