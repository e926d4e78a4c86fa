import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Answer {
  readonly code: number;
  readonly body: string | Buffer;
  readonly location?: string;
}

const role = { AccessKeyId: "ASIAROLE", SecretAccessKey: "role/secret+key", Token: "role-token==" };
const region = "eu-north-1";

/** The metadata service of an instance, and the services that it calls, which take no request that is not signed by its role. */
export class FakeAws implements AsyncDisposable {
  /** How often the role is not there yet. */
  rolesMissing = 0;
  readonly #server: Server;
  readonly #answerOf: (request: { path: string; body: string }) => Answer;

  private constructor(answerOf: (request: { path: string; body: string }) => Answer) {
    this.#answerOf = answerOf;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  static async start(answerOf: (request: { path: string; body: string }) => Answer): Promise<FakeAws> {
    const fake = new FakeAws(answerOf);
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get environment(): Record<string, string> {
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return { AWS_EC2_METADATA_SERVICE_ENDPOINT: url, AWS_ENDPOINT_URL: `${url}/` };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const {
      code,
      body: answer,
      location,
    } = path.startsWith("/latest/") ? this.#metadata(path, request) : this.#service(path, request, body);
    response.writeHead(code, location === undefined ? {} : { location }).end(answer);
  }

  #metadata(path: string, request: IncomingMessage): Answer {
    if (path === "/latest/api/token") {
      assert.equal(request.method, "PUT");
      assert.match(String(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]), /^\d+$/);
      return { code: 200, body: "session-token" };
    }
    // Version 2 only.
    if (request.headers["x-aws-ec2-metadata-token"] !== "session-token") return { code: 401, body: "" };
    const roles = "/latest/meta-data/iam/security-credentials/";
    if (path === roles && this.rolesMissing-- > 0) return { code: 404, body: "" };
    const answers: Readonly<Record<string, string>> = {
      "/latest/meta-data/placement/region": region,
      "/latest/meta-data/services/domain": "amazonaws.com",
      [roles]: "exit-role",
      [`${roles}exit-role`]: JSON.stringify({ Code: "Success", ...role }),
    };
    const answer = answers[path];
    return answer === undefined ? { code: 404, body: "" } : { code: 200, body: answer };
  }

  #service(path: string, request: IncomingMessage, body: Buffer): Answer {
    const problem = signatureProblem(request, path, body, path === "/" ? "secretsmanager" : "s3");
    if (problem !== undefined) return { code: 403, body: problem };
    if (path === "/") assert.equal(request.headers["x-amz-target"], "secretsmanager.GetSecretValue");
    return this.#answerOf({ path, body: body.toString() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Signature Version 4 as a service checks it, written from AWS's description of it. */
function signatureProblem(
  { method = "", headers }: IncomingMessage,
  path: string,
  body: Buffer,
  service: string,
): string | undefined {
  const authorization = headers.authorization ?? "";
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/[^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (found === null) return `not signed: ${authorization}`;
  const [, accessKey, scope = "", names = "", signature] = found;
  const date = String(headers["x-amz-date"]);
  if (accessKey !== role.AccessKeyId || headers["x-amz-security-token"] !== role.Token) return "another role";
  if (scope !== `${date.slice(0, 8)}/${region}/${service}/aws4_request`) return `another scope: ${scope}`;
  for (const needed of ["host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]) {
    if (!names.split(";").includes(needed)) return `${needed} is not signed`;
  }
  const bodyHash = createHash("sha256").update(body).digest("hex");
  if (headers["x-amz-content-sha256"] !== bodyHash) return "another body";
  const canonical = [
    method,
    path,
    "",
    ...names.split(";").map((name) => `${name}:${String(headers[name])}`),
    "",
    names,
    bodyHash,
  ].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const key = scope
    .split("/")
    .reduce(
      (key: Buffer, part) => createHmac("sha256", key).update(part).digest(),
      Buffer.from(`AWS4${role.SecretAccessKey}`),
    );
  const wanted = createHmac("sha256", key)
    .update(["AWS4-HMAC-SHA256", date, scope, hash].join("\n"))
    .digest("hex");
  return wanted === signature ? undefined : "another signature";
}
