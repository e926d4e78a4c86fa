import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/**
 * The way to moto from every network of the lab: a socket in the file system, which no network namespace divides. It tells of
 * each request that may have changed something.
 */
export class Front {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param onChange called with the region after each request that is no mere look */
  static async open(path: string, motoPort: number, onChange: (region: string) => void): Promise<Front> {
    const server = createServer((incoming, answer) => forward(incoming, answer, motoPort, onChange));
    server.listen(path);
    await once(server, "listening");
    return new Front(server);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function forward(
  incoming: IncomingMessage,
  answer: ServerResponse,
  port: number,
  onChange: (region: string) => void,
): void {
  const { method, url: path, headers } = incoming;
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  const onward = request({ host: "127.0.0.1", port, method, path, headers }, (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
    const region = /Credential=[^/]*\/\d+\/([\w-]+)\//.exec(headers.authorization ?? "")?.[1];
    response.on("end", () => {
      const looks = /(^|&)Action=(Describe|Get|List)/.test(Buffer.concat(chunks).toString("latin1"));
      if (!looks && region !== undefined) onChange(region);
    });
  });
  onward.on("error", (error) => answer.writeHead(502).end(error.message));
  incoming.pipe(onward);
}
