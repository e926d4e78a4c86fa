import { request, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import type { AwsApi } from "../api/aws-api.ts";
import { bodyOf } from "../front.ts";
import type { ServiceCertificate } from "./lab-authority.ts";
import type { RoleCredentials } from "./role-credentials.ts";
import { allows } from "./role-policy.ts";
import { signerOf } from "./signature.ts";

const maxBodyBytes = 1024 * 1024;

/** A request of an instance that was not let through, or that was. */
export interface Access {
  readonly instanceId: string;
  readonly action: string;
  readonly resource: string;
  readonly outcome: string;
}

/**
 * The API of AWS as instances reach it: by TLS, under AWS's own names. What the server of the API does not look at is checked here:
 * the signature, and what the role of the instance may do.
 */
export class InstanceApi {
  /** Whatever instances asked for, in order. */
  readonly accesses: Access[] = [];
  readonly #server: Server;
  readonly #context: ReturnType<typeof createSecureContext>;
  readonly #api: (region: string) => AwsApi;
  readonly #socket: string;
  readonly #credentials: RoleCredentials;

  constructor(
    socket: string,
    api: (region: string) => AwsApi,
    { certificatePem, keyPem }: ServiceCertificate,
    credentials: RoleCredentials,
  ) {
    this.#socket = socket;
    this.#api = api;
    this.#credentials = credentials;
    this.#context = createSecureContext({ cert: certificatePem, key: keyPem });
    this.#server = createServer((incoming, answer) => {
      this.#serve(incoming, answer).catch((error: unknown) => {
        if (!answer.headersSent) answer.writeHead(500);
        answer.end(String(error));
      });
    });
  }

  accept(connection: Socket): void {
    const secure = new TLSSocket(connection, { isServer: true, secureContext: this.#context });
    secure.on("error", () => connection.destroy());
    this.#server.emit("connection", secure);
  }

  async #serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = incoming;
    const body = await bodyOf(incoming, maxBodyBytes);
    const signer = signerOf({ method, url, headers, body }, (key) => this.#credentials.withKey(key));
    const [action, resource] = wishOf(incoming, body);
    const refuse = (instanceId: string, code: string): void => {
      this.accesses.push({ instanceId, action, resource, outcome: code });
      const isJson = headers["x-amz-target"] !== undefined;
      answer.writeHead(isJson ? 400 : 403, { "content-type": isJson ? "application/json" : "text/xml" });
      const words = `${action} of ${resource} is refused`;
      answer.end(
        isJson
          ? JSON.stringify({ __type: code, message: words })
          : `<Error><Code>${code}</Code><Message>${words}</Message></Error>`,
      );
    };
    if ("problem" in signer) return refuse("", signer.problem);
    const { credentials, region, service } = signer;
    const host = String(headers.host);
    if (!new RegExp(`(^|\\.)${service}\\.${region}\\.amazonaws\\.com(:443)?$`).test(host)) {
      return refuse(credentials.instanceId, "SignatureDoesNotMatch");
    }
    if (!(await allows(this.#api(region), credentials.role, action, resource))) {
      return refuse(credentials.instanceId, service === "s3" ? "AccessDenied" : "AccessDeniedException");
    }
    this.accesses.push({ instanceId: credentials.instanceId, action, resource, outcome: "allowed" });
    const onward = request({ socketPath: this.#socket, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on("error", (error) => answer.destroy(error));
    onward.end(body);
  }
}

/** What a request wants, in the words of policies. */
function wishOf({ method, url = "/", headers }: IncomingMessage, body: Buffer): [string, string] {
  const target = headers["x-amz-target"];
  if (target !== undefined) {
    const [service = "", action = ""] = String(target).split(".");
    let named: unknown;
    try {
      named = (JSON.parse(body.toString()) as Record<string, unknown>)["SecretId"];
    } catch {
      named = undefined;
    }
    return [`${service}:${action}`, typeof named === "string" ? named : "*"];
  }
  const bucket = /^(.+)\.s3\./.exec(String(headers.host))?.[1];
  const path = decodeURIComponent(url.split("?")[0] ?? "").slice(1);
  const object = bucket === undefined ? path : `${bucket}/${path}`;
  const isObject = method === "GET" || method === "HEAD";
  return [isObject ? "s3:GetObject" : `s3:${method}`, `arn:aws:s3:::${object}`];
}
