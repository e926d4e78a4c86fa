import { VpnServerRpc } from "vpnrpc";
import { calls, hubPassword, serverPassword } from "./calls.ts";

/**
 * Makes the calls of `calls.ts` with the official client, unmodified, on a server of this host, and prints what came of them as
 * JSON: an {@link Outcome} each, and how a wrong password was answered.
 *
 * Arguments: the port, and `ours` or `official`.
 */
export interface Outcome {
  readonly method: string;
  readonly error: number;
  readonly reply?: unknown;
}

type Method = (params: unknown) => Promise<unknown>;

const [port = "", server = ""] = process.argv.slice(2);

function clientOf(hubName: string, password: string): Record<string, Method> {
  const client = new VpnServerRpc("127.0.0.1", Number(port), hubName, password, false) as unknown as {
    rpc_client: { headers: Record<string, string> };
  };
  if (server === "official") {
    // It hangs up on a header without a value, which this client sends for the administrator of the server.
    const credentials = Buffer.from(`${hubName || "administrator"}:${password}`).toString("base64");
    client.rpc_client.headers = { Authorization: `Basic ${credentials}` };
  }
  return client as unknown as Record<string, Method>;
}

async function outcomeOf(client: Record<string, Method>, method: string, params: unknown): Promise<Outcome> {
  try {
    return { method, error: 0, reply: await client[method]?.(params) };
  } catch (error) {
    // What it throws is no instance of its own class.
    const code = (error as { readonly Error?: { readonly code: number } }).Error?.code;
    if (code === undefined) throw error;
    return { method, error: code };
  }
}

await clientOf("", "").SetServerPassword?.({ PlainTextPassword_str: serverPassword });
const clients = { server: clientOf("", serverPassword), hub: clientOf("TEST", hubPassword) };
const outcomes: Outcome[] = [];
for (const { as, method, params } of calls) outcomes.push(await outcomeOf(clients[as], method, params));
const refused = await outcomeOf(clientOf("", "wrong"), "GetServerInfo", {}).catch(
  (error: unknown) => (error as Error).message,
);
console.log(JSON.stringify({ outcomes, refused }));
