import { connect, type Socket } from "node:net";

/**
 * Opens so many connections to port 8080 of an address, a few at a time, and keeps them until the end of its standard input. It prints what
 * became of them, as JSON.
 */
const [host = "", count = ""] = process.argv.slice(2);
const atOnce = 100;
const outcomes: Record<string, number> = {};
const sockets: Socket[] = [];

function open(): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(8_080, host, () => resolve("open"));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sockets.push(socket);
  });
}

let begun = 0;
const lane = async () => {
  while (begun++ < Number(count)) {
    const outcome = await open();
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
};
await Promise.all(Array.from({ length: atOnce }, lane));
console.log(JSON.stringify(outcomes));
process.stdin.resume().once("end", () => process.exit());
