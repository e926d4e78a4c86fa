import { Agent, request, type RequestOptions } from "node:https";
import { arena } from "./attack.ts";

export interface Credentials {
  readonly host: string;
  /** `administrator`, or a hub. */
  readonly user: string;
  readonly password: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** A request over HTTPS to the server, on a connection of its own unless `agent` says otherwise. */
export function ask(options: RequestOptions, body = ""): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ port: arena.port, path: "/api/", method: "POST", rejectUnauthorized: false },
        ...{ agent: false, timeout: 10_000 },
        ...options,
        headers: { "Content-Length": Buffer.byteLength(body), ...(options.headers as object) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sent.on("error", reject);
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.end(body);
  });
}

/** An agent that keeps its connections. */
export function keptConnections(most: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: most, rejectUnauthorized: false });
}

/**
 * Calls a method of the administration.
 *
 * @returns its result
 * @throws Error with what the server answered instead
 */
export async function callJsonRpc(
  { host, user, password }: Credentials,
  method: string,
  params: object = {},
  options: RequestOptions = {},
): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: "1", method, params });
  const { headers, ...others } = options;
  const { status, text } = await ask(
    {
      host,
      ...others,
      headers: {
        "Content-Type": "application/json",
        "X-VPNADMIN-HUBNAME": user === "administrator" ? "" : user,
        "X-VPNADMIN-PASSWORD": password,
        ...(headers as object),
      },
    },
    body,
  );
  if (status !== 200) throw new Error(`status ${status}`);
  const answer = JSON.parse(text) as { result?: unknown; error?: { code: number; message: string } };
  if (answer.error !== undefined) throw new Error(answer.error.message);
  return answer.result;
}
