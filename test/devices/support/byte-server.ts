import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { pipeline, Readable } from "node:stream";
import { someBytes } from "./some-bytes.ts";

/**
 * Bytes over HTTP: `GET /N` gives N bytes, the same ones each time, and `PUT` answers with the SHA-256 of what it was given. It says
 * `ready` when it listens on port 8080.
 */
createServer((request, response) => {
  if (request.method === "PUT") {
    const hash = createHash("sha256");
    request.on("data", (bytes: Buffer) => hash.update(bytes));
    request.on("end", () => response.end(hash.digest("hex")));
    return;
  }
  pipeline(Readable.from(someBytes(Number((request.url ?? "/0").slice(1)))), response, () => {});
}).listen(8080, () => console.log("ready"));
process.stdin.resume().once("end", () => process.exit());
