import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { callOf, cases, hub } from "./calls.ts";

/**
 * Asks a server of this host to make something of each name in `calls.ts`, on one connection, and prints what came of it as JSON: an
 * {@link Answer} each. Argument: the port.
 */
export interface Answer {
  readonly error: number;
  /** What it was called. */
  readonly name?: string;
}

interface Reply {
  readonly error?: { readonly code: number };
  readonly result?: Readonly<Record<string, unknown>>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const port = Number(process.argv[2]);

async function call(method: string, params: object): Promise<Reply> {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: "1", method, params }));
  const asking = request({
    ...{ host: "127.0.0.1", port, agent, method: "POST", path: "/api/", rejectUnauthorized: false },
    headers: {
      Authorization: `Basic ${Buffer.from("administrator:").toString("base64")}`,
      "Content-Type": "application/json",
      "Content-Length": body.length,
    },
  });
  asking.end(body);
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  return JSON.parse(await text(response)) as Reply;
}

await call("CreateHub", { HubName_str: hub, AdminPasswordPlainText_str: "x", Online_bool: true });
const answers: Answer[] = [];
for (const each of cases) {
  const { method, params, field, undo } = callOf(each);
  const { error, result } = await call(method, params);
  const name = field === undefined ? undefined : result?.[field];
  answers.push({ error: error?.code ?? 0, ...(typeof name === "string" && { name }) });
  if (error === undefined) await call(undo.method, undo.params);
}
agent.destroy();
console.log(JSON.stringify(answers));
