import { networkOf } from "../ethernet/ip-address.ts";
import { isLoopback } from "../ethernet/loopback.ts";
import { joinInSteps } from "../long-bytes.ts";
import { serverWork, turns, type Steps } from "../turns.ts";
import { protocolErrors, type ProtocolError } from "../wire/protocol-error.ts";
import { requestLimitBytes, type AdminService, type WebPlace } from "./admin-service.ts";
import type { Administration } from "./administration.ts";
import type { AuthenticationResult } from "./authentication.ts";
import { rpcs } from "./definitions.ts";
import { isCrossSite, isOfBrowser, mayCarryChange, namesAddress } from "./cross-site.ts";
import { isChange, type RpcDispatcher } from "./dispatch.ts";
import { isJsonObject } from "./json-messages.ts";
import { formatJsonInSteps, parseJsonInSteps } from "../json/json-text.ts";
import { ownerOf, type Administrator } from "./rpc.ts";

/** A request for a target below `/api`. Header values by lower-case name. */
export interface ApiRequest {
  readonly method: string;
  /** Such as `/api/` or `/api/Test?IntValue_u32=1`. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly peerAddress: string;
  /** By number, of this host. */
  readonly peerUser?: number | undefined;
  readonly connectionName: string;
  /** Aborted when the connection has ended. */
  readonly gone: AbortSignal;
  /** The same object for all requests of a connection. */
  readonly connection: WebPlace;
  /**
   * Reads the body, in the parts in which it came.
   *
   * @returns undefined when it is larger than `limitBytes`
   */
  readonly body: (limitBytes: number) => Promise<readonly Buffer[] | undefined>;
}

export interface ApiResponse {
  readonly status: 200 | 401 | 403 | 404 | 405 | 413 | 415 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The request has logged in. */
  readonly loggedIn?: boolean;
  /** In the place of a body that is long: its parts, in UTF-8. */
  readonly parts?: readonly Buffer[];
}

/**
 * Sent with every answer: no page of another origin may read or show it. No origin is allowed (`Access-Control-Allow-Origin`), by the
 * official server neither.
 */
const commonHeaders = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
} as const;

/** Who was let in. */
type Login = Extract<AuthenticationResult, { readonly type: "administrator" }>;

/** For those who have not logged in: only administrators keep a connection. */
const leaving = { Connection: "close" } as const;

/**
 * The administration as JSON-RPC 2.0 over HTTP.
 *
 * Source: `Cedar/Admin.c` JsonRpcProcPost, JsonRpcProcGet, JsonRpcAuthLogin.
 */
export class JsonApi {
  readonly #service: AdminService;
  readonly #dispatcher: RpcDispatcher;
  readonly #administration: Pick<Administration, "now" | "settings">;

  constructor(
    service: AdminService,
    dispatcher: RpcDispatcher,
    administration: Pick<Administration, "now" | "settings">,
  ) {
    this.#service = service;
    this.#dispatcher = dispatcher;
    this.#administration = administration;
  }

  async answer(request: ApiRequest): Promise<ApiResponse> {
    const { method, target, peerAddress } = request;
    // Whose it is, is known only by its password. Who administers on the server's own host does not wait for the network.
    await turns.begin(isLoopback(peerAddress) ? serverWork : networkOf(peerAddress));
    if (!this.#administration.settings().access.jsonApi) {
      return response(404, "text/plain", "There is nothing here.\n", leaving);
    }
    if (method === "OPTIONS") {
      return response(200, "text/plain", "", { ...leaving, Allow: "OPTIONS, GET, POST" });
    }
    if (method !== "POST" && method !== "GET") {
      return response(405, "text/plain", "The administration takes POST, GET and OPTIONS.\n", leaving);
    }
    const url = URL.parse(target, "https://server");
    const isRoot = url?.pathname === "/api" || url?.pathname === "/api/";
    const name = /^\/api\/(\w+)$/.exec(url?.pathname ?? "")?.[1];
    if (url === null || (!isRoot && name === undefined)) {
      return response(404, "text/plain", "There is nothing here.\n", leaving);
    }
    // The page may be linked to.
    const isPage = method === "GET" && isRoot;
    if (!isPage && isCrossSite(request.headers)) return this.#foreign();
    const login = await this.#login(request);
    if (login.type === "refused") {
      return unauthorized();
    }
    // Nothing proves that it is the administrator who asks, if not that only this host's programs can.
    if (login.emptyPassword && isOfBrowser(request.headers) && !namesAddress(request.headers)) {
      return this.#foreign();
    }
    if (!this.#service.enter(login.administrator, request.connection)) {
      const headers = { ...leaving, "Retry-After": "1" };
      return response(503, "text/plain", "There are too many connections of administrators.\n", headers);
    }
    return { ...(await this.#answerTo(login, request, name, url)), loggedIn: true };
  }

  /** @param name of the method, where the target has it */
  async #answerTo(
    login: Login,
    request: ApiRequest,
    name: string | undefined,
    url: URL,
  ): Promise<ApiResponse> {
    if (request.method === "POST") return this.#post(request, login);
    if (name === undefined) return response(200, "text/html; charset=utf-8", apiPage());
    if (isChange(name)) {
      const text = `GET reads only; call ${name} by POST to /api/, with Content-Type: application/json`;
      return response(405, "application/json", failure("0", "notSupported", text), { Allow: "POST" });
    }
    const params = paramsOf(url.searchParams);
    const answer = await this.#call(
      name,
      params,
      String(this.#administration.now()),
      request,
      login.administrator,
    );
    return withContent("text/plain; charset=UTF-8", answer);
  }

  #foreign(): ApiResponse {
    return response(403, "text/plain", "Pages of another site may not administer this server.\n", leaving);
  }

  async #post(request: ApiRequest, login: Login): Promise<ApiResponse> {
    const { administrator } = login;
    const body = await request.body(requestLimitBytes(administrator));
    if (body === undefined) return response(413, "text/plain", "The request is too large.\n");
    const message = await parseBody(body, administrator);
    // All this took its time, in which the password may have become another.
    if (!this.#service.stands(login, request.peerAddress)) return unauthorized();
    const method = isJsonObject(message) ? message["method"] : undefined;
    if (typeof method === "string" && isChange(method) && !mayCarryChange(request.headers)) {
      const text = `${method} takes a request with Content-Type: application/json`;
      return response(415, "application/json", failure("0", "notSupported", text));
    }
    return withContent("application/json", await this.#answerMessage(message, request, administrator));
  }

  async #answerMessage(
    message: unknown,
    request: ApiRequest,
    administrator: Administrator,
  ): Promise<Content> {
    if (!isJsonObject(message)) return failure("0", "invalidParameter", "JSON-RPC Parse Error");
    if (message["jsonrpc"] !== "2.0") {
      return failure("0", "invalidParameter", "JSON-RPC version is invalid");
    }
    const id = typeof message["id"] === "string" ? message["id"] : "0";
    const method = typeof message["method"] === "string" ? message["method"] : "";
    return this.#call(method, message["params"], id, request, administrator);
  }

  async #call(
    method: string,
    params: unknown,
    id: string,
    { peerAddress, connectionName }: ApiRequest,
    administrator: Administrator,
  ): Promise<Content> {
    const call = { administrator, peerAddress, connectionName };
    const result = await this.#dispatcher.callJson(method, params, call);
    if (result.type === "error") return failure(id, result.error, result.message);
    const answer = { result: result.reply, jsonrpc: "2.0", id };
    const parts = await turns.run(formatJsonInSteps(answer), ownerOf(administrator));
    return parts.length === 1 ? String(parts[0]) : parts;
  }

  #login({
    headers,
    peerAddress,
    peerUser,
    connectionName,
    gone,
  }: ApiRequest): Promise<AuthenticationResult> {
    const credentials = credentialsOf(headers);
    if (credentials === undefined) {
      return Promise.resolve({ type: "refused", error: "accessDenied", reason: "no password was sent" });
    }
    const { userName, password } = credentials;
    const hubName = userName.toLowerCase() === "administrator" ? "" : userName;
    return this.#service.login({ hubName, password, peerAddress, peerUser, connectionName, gone });
  }
}

/** Of the two headers of the official clients, or of HTTP's own form. */
function credentialsOf(headers: ApiRequest["headers"]): { userName: string; password: string } | undefined {
  const header = (name: string) => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const password = header("x-vpnadmin-password");
  if (password !== undefined) return { userName: header("x-vpnadmin-hubname") ?? "", password };
  const basic = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header("authorization") ?? "")?.[1];
  if (basic === undefined) return undefined;
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : { userName: text.slice(0, colon), password: text.slice(colon + 1) };
}

function failure(id: string, error: ProtocolError, message: string): string {
  const code = protocolErrors[error];
  return JSON.stringify({
    error: { code, message: `Error code ${code}: ${message}` },
    jsonrpc: "2.0",
    id,
  });
}

/** A text, or the parts of a long one. */
type Content = string | readonly Buffer[];

function withContent(contentType: string, content: Content): ApiResponse {
  if (typeof content === "string") return response(200, contentType, content);
  return { ...response(200, contentType, ""), parts: content };
}

function response(
  status: ApiResponse["status"],
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return { status, headers: { ...commonHeaders, "Content-Type": contentType, ...headers }, body };
}

function unauthorized(): ApiResponse {
  return response(401, "text/html; charset=utf-8", unauthorizedPage, {
    ...leaving,
    "WWW-Authenticate": 'Basic realm="Administration of the VPN server"',
  });
}

/** The JSON of a body; undefined for what is none, and for what is deeper than any call. */
async function parseBody(body: readonly Buffer[], administrator: Administrator): Promise<unknown> {
  try {
    return await turns.run(jsonOf(body), ownerOf(administrator));
  } catch {
    return undefined;
  }
}

function* jsonOf(parts: readonly Buffer[]): Steps<unknown> {
  return yield* parseJsonInSteps(yield* joinInSteps(parts));
}

/** Fields of a request in the query; the last of several with one name holds. */
function paramsOf(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries(query);
}

const unauthorizedPage =
  "<!DOCTYPE html><title>401 Unauthorized</title><h1>Unauthorized</h1><p>The administration needs the password of the server's administrator, or a hub's name and the password of its administrator.</p>\n";

/** What one sees who looks at the address with a browser. */
function apiPage(): string {
  const methods = Object.entries(rpcs)
    .map(([name, { summary }]) => `<dt><code>${name}</code></dt><dd>${summary}</dd>`)
    .join("\n");
  return `<!DOCTYPE html>
<meta charset="utf-8"><title>Administration of the VPN server</title>
<h1>Administration of the VPN server</h1>
<p>JSON-RPC 2.0: POST <code>{"jsonrpc":"2.0","id":"1","method":"Test","params":{"IntValue_u32":1}}</code> to <code>/api/</code>.</p>
<dl>
${methods}
</dl>
`;
}
