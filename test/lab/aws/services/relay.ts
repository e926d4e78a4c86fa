/**
 * Takes connections in the network namespace that it runs in, and hands them to a server at a socket in the file system. Each begins
 * with a line of its own: the address that it came from.
 *
 *     node relay.ts ADDRESS PORT SOCKET
 */
import { connect, createServer } from "node:net";

const [, , address = "", port = "", socket = ""] = process.argv;

const server = createServer((incoming) => {
  const onward = connect(socket);
  onward.write(`${incoming.remoteAddress}\n`);
  incoming.pipe(onward);
  onward.pipe(incoming);
  incoming.on("error", () => onward.destroy());
  onward.on("error", () => incoming.destroy());
  incoming.on("close", () => onward.destroy());
  onward.on("close", () => incoming.destroy());
});
server.listen(Number(port), address, () => process.stdout.write("listening\n"));
