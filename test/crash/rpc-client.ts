import { Agent, request } from "node:https";

/** A user as the server tells of it. */
export interface FoundUser {
  readonly name: string;
  readonly realName: string;
  readonly note: string;
}

/** Administers a server on this host over JSON-RPC, on connections that stay open. */
export class RpcClient {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

  constructor(port: number) {
    this.#port = port;
  }

  /** @throws when the server did not answer, or answered with an error */
  call(method: string, params: object): Promise<Record<string, unknown>> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: "1", method, params });
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          ...{ agent: this.#agent, host: "127.0.0.1", port: this.#port, path: "/api/", method: "POST" },
          // A server of which only this host is the administrator has no password.
          auth: "administrator:",
          headers: { "Content-Length": Buffer.byteLength(body) },
          timeout: 10_000,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            try {
              const answer = JSON.parse(Buffer.concat(chunks).toString()) as {
                result?: Record<string, unknown>;
                error?: unknown;
              };
              if (answer.result !== undefined) resolve(answer.result);
              else reject(new Refusal(`${method}: ${JSON.stringify(answer.error)}`));
            } catch (error) {
              reject(new Error(`${method}: no JSON in the answer`, { cause: error }));
            }
          });
        },
      );
      sent.on("timeout", () => sent.destroy(new Error(`${method}: no answer`)));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** By name. */
  async users(hubName: string): Promise<ReadonlyMap<string, FoundUser>> {
    const { UserList } = await this.call("EnumUser", { HubName_str: hubName });
    return new Map(
      (UserList as Record<string, string>[]).map((user) => [
        user["Name_str"] ?? "",
        { name: user["Name_str"] ?? "", realName: user["Realname_utf"] ?? "", note: user["Note_utf"] ?? "" },
      ]),
    );
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The server answered, with an error. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
