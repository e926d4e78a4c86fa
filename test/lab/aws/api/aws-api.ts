import { request, type IncomingHttpHeaders } from "node:http";
import { at, parseXml, textAt, type XmlValue } from "./xml.ts";

/** A parameter of a request: lists and objects become `Name.1.Key` of the query protocol. */
export type Parameter =
  string | number | boolean | undefined | readonly Parameter[] | { readonly [name: string]: Parameter };

/** An error that an AWS service answers with. */
export class AwsError extends Error {
  override readonly name = "AwsError";
  /** Such as `InvalidInstanceID.NotFound`. */
  readonly code: string;

  constructor(action: string, code: string, message: string) {
    super(`${action}: ${code}: ${message}`);
    this.code = code;
  }
}

/** Services of the query protocol: the version of each, and what stands before an element's number in its lists. */
const queryServices = {
  autoscaling: { version: "2011-01-01", element: "member." },
  ec2: { version: "2016-11-15", element: "" },
  elasticloadbalancing: { version: "2015-12-01", element: "member." },
  iam: { version: "2010-05-08", element: "member." },
} as const;

const maxAnswerBytes = 16 * 1024 * 1024;
const timeoutMs = 30_000;

/**
 * The API of AWS in one region, as far as the lab needs it. It speaks with the lab's own server through a socket of this
 * machine, so requests carry no valid signature, only the names of region and service that signatures carry.
 */
export class AwsApi {
  readonly region: string;
  readonly #socket: string;

  constructor(socket: string, region: string) {
    this.#socket = socket;
    this.region = region;
  }

  /** The same in another region. */
  in(region: string): AwsApi {
    return region === this.region ? this : new AwsApi(this.#socket, region);
  }

  ec2(action: string, parameters: Record<string, Parameter> = {}): Promise<XmlValue> {
    return this.#query("ec2", action, parameters);
  }

  /** The result that the answer wraps. */
  async iam(action: string, parameters: Record<string, Parameter>): Promise<XmlValue> {
    return at(await this.#query("iam", action, parameters), `${action}Result`);
  }

  async autoScaling(action: string, parameters: Record<string, Parameter> = {}): Promise<XmlValue> {
    return at(await this.#query("autoscaling", action, parameters), `${action}Result`);
  }

  /** The second version of the service, which has network load balancers. */
  async loadBalancing(action: string, parameters: Record<string, Parameter> = {}): Promise<XmlValue> {
    return at(await this.#query("elasticloadbalancing", action, parameters), `${action}Result`);
  }

  /**
   * A request to S3.
   *
   * @param path such as `/bucket/key?tagging`
   * @returns the headers and the body of the answer
   */
  async s3(
    method: "GET" | "PUT" | "DELETE" | "HEAD",
    path: string,
    { body = "", headers = {} }: { body?: string | Buffer; headers?: Record<string, string> } = {},
  ): Promise<{ headers: IncomingHttpHeaders; body: string }> {
    const answer = await this.#send("s3", body, headers, { method, path });
    if (answer.status < 300) return answer;
    const error = answer.body === "" ? "" : at(parseXml(answer.body), "Error");
    const code = textAt(error, "Code") || (answer.status === 404 ? "NotFound" : String(answer.status));
    throw new AwsError(`${method} ${path}`, code, textAt(error, "Message") || answer.body);
  }

  /** A service that takes and gives JSON, such as SSM. */
  async json(
    service: string,
    target: string,
    input: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const { status, body } = await this.#send(service, JSON.stringify(input), {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": target,
    });
    const answer = JSON.parse(body) as Record<string, unknown>;
    if (status === 200) return answer;
    throw new AwsError(
      target,
      String(answer["__type"]).replace(/^.*#/, ""),
      String(answer["message"] ?? answer["Message"]),
    );
  }

  async #query(
    service: keyof typeof queryServices,
    action: string,
    parameters: Record<string, Parameter>,
  ): Promise<XmlValue> {
    const { version, element } = queryServices[service];
    const form = new URLSearchParams({ Action: action, Version: version });
    for (const [name, value] of Object.entries(parameters)) append(form, name, value, element);
    const { status, body } = await this.#send(service, form.toString(), {
      "content-type": "application/x-www-form-urlencoded",
    });
    const [answer] = Object.values(parseXml(body));
    if (status === 200) return answer ?? "";
    const error = at(answer, "Errors.Error") === "" ? at(answer, "Error") : at(answer, "Errors.Error");
    throw new AwsError(action, textAt(error, "Code") || String(status), textAt(error, "Message") || body);
  }

  #send(
    service: string,
    body: string | Buffer,
    headers: Record<string, string>,
    { method = "POST", path = "/" } = {},
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
    const scope = `lab/20260101/${this.region}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`;
    return new Promise((resolve, reject) => {
      const options = {
        socketPath: this.#socket,
        method,
        path,
        headers: { ...headers, authorization, host: `${service}.${this.region}.amazonaws.com` },
        timeout: timeoutMs,
      };
      const call = request(options, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxAnswerBytes)
            call.destroy(new Error(`AWS of the lab answers more than ${maxAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on("error", reject);
      });
      call.on("timeout", () =>
        call.destroy(new Error(`AWS of the lab does not answer within ${timeoutMs / 1000} s`)),
      );
      call.on("error", reject);
      call.end(body);
    });
  }
}

function append(form: URLSearchParams, name: string, value: Parameter, element: string): void {
  if (value === undefined) return;
  if (Array.isArray(value)) {
    value.forEach((item: Parameter, index) => append(form, `${name}.${element}${index + 1}`, item, element));
  } else if (typeof value === "object") {
    for (const [key, item] of Object.entries(value)) append(form, `${name}.${key}`, item, element);
  } else form.set(name, String(value));
}
