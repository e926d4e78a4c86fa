import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** A call of the query protocol that may be answered without the server of the API. */
export interface QueryCall {
  readonly region: string;
  readonly action: string;
  readonly parameters: URLSearchParams;
}

/** What the lab answers by itself: the XML, or nothing where the server of the API shall answer. */
export type OwnAnswer = (call: QueryCall) => Promise<string | undefined>;

const maxFormBytes = 16 * 1024 * 1024;

/**
 * The way to moto from every network of the lab: a socket in the file system, which no network namespace divides. It tells of
 * each request that may have changed something.
 */
export class Front {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * @param onChange called with the region after each request that is no mere look; who stops instances is answered when what it
   * returns has come to pass, since AWS's own state tells of a host that is still up
   */
  static async open(
    path: string,
    motoPort: number,
    onChange: (region: string) => unknown,
    ownAnswer: OwnAnswer = async () => undefined,
  ): Promise<Front> {
    const server = createServer((incoming, answer) => {
      serve(incoming, answer, motoPort, onChange, ownAnswer).catch((error: unknown) => {
        if (!answer.headersSent) answer.writeHead(502);
        answer.end(error instanceof Error ? error.message : String(error));
      });
    });
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

async function serve(
  incoming: IncomingMessage,
  answer: ServerResponse,
  port: number,
  onChange: (region: string) => unknown,
  ownAnswer: OwnAnswer,
): Promise<void> {
  const { method, headers } = incoming;
  const region = /Credential=[^/]*\/\d+\/([\w-]+)\//.exec(headers.authorization ?? "")?.[1];
  let looks = method === "GET" || method === "HEAD";
  looks ||= /\.(Describe|Get|List)\w*$/.test(String(headers["x-amz-target"] ?? ""));
  let form: Buffer | undefined;
  let stops = false;
  if (headers["content-type"]?.startsWith("application/x-www-form-urlencoded")) {
    form = await bodyOf(incoming, maxFormBytes);
    const parameters = new URLSearchParams(form.toString());
    const action = parameters.get("Action") ?? "";
    looks ||= /^(Describe|Get|List)/.test(action);
    stops = action === "StopInstances";
    const own = region === undefined ? undefined : await ownAnswer({ region, action, parameters });
    if (own !== undefined) {
      answer.writeHead(200, { "content-type": "text/xml" }).end(own);
      if (!looks && region !== undefined) onChange(region);
      return;
    }
  }
  const onward = request({ host: "127.0.0.1", port, method, path: incoming.url, headers }, (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer, { end: false });
    response.on("end", () => {
      const followed = looks || region === undefined ? undefined : onChange(region);
      void Promise.resolve(stops ? followed : undefined).then(() => answer.end());
    });
  });
  onward.on("error", (error) => {
    if (!answer.headersSent) answer.writeHead(502);
    answer.end(error.message);
  });
  if (form === undefined) incoming.pipe(onward);
  else onward.end(form);
}

/** @throws Error when it is longer than that */
export async function bodyOf(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the body of the request has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
