import grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/analyzer_pb.js";
import { messageLimitBytes } from "../plugin/serve.ts";
import { statusOf } from "../plugin/status-error.ts";

/** Messages as they are on the wire: they are handed on, and not looked into. */
const asItIs = (bytes: Buffer): Buffer => bytes;
const service = Object.fromEntries(
  Object.entries(services.AnalyzerService).map(([name, method]) => [
    name,
    {
      ...(method as grpc.MethodDefinition<unknown, unknown>),
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs,
    },
  ]),
) as Readonly<Record<string, grpc.MethodDefinition<Buffer, Buffer>>>;

const limits = {
  "grpc.max_receive_message_length": messageLimitBytes,
  "grpc.max_send_message_length": messageLimitBytes,
};
const closeGraceMs = 1_000;
const nothing = Buffer.alloc(0);

type Respond = grpc.sendUnaryData<Buffer>;
type Call = grpc.ServerUnaryCall<Buffer, Buffer>;

/**
 * What the engine takes for a policy pack until that runs: the engine tells the pack about the stack by a call, and the SDK of a pack
 * wants it in its environment, before it starts. So this answers first, and hands all other calls on to the pack.
 */
export class PolicyPackFront {
  readonly port: number;
  readonly #server: grpc.Server;
  readonly #configured: PromiseWithResolvers<Buffer | undefined>;
  readonly #pack: PromiseWithResolvers<grpc.Client>;

  private constructor(
    server: grpc.Server,
    port: number,
    configured: PromiseWithResolvers<Buffer | undefined>,
    pack: PromiseWithResolvers<grpc.Client>,
  ) {
    this.#server = server;
    this.port = port;
    this.#configured = configured;
    this.#pack = pack;
  }

  static async open(): Promise<PolicyPackFront> {
    const configured = Promise.withResolvers<Buffer | undefined>();
    const pack = Promise.withResolvers<grpc.Client>();
    // Nobody may ask before it fails.
    pack.promise.catch(() => undefined);
    const handOn =
      ({ path }: grpc.MethodDefinition<Buffer, Buffer>) =>
      (call: Call, respond: Respond) => {
        // An engine that asks first has no stack, as when a pack is published.
        configured.resolve(undefined);
        pack.promise.then(
          (client) =>
            client.makeUnaryRequest(path, asItIs, asItIs, call.request, (error, answer) =>
              error ? respond(error) : respond(null, answer ?? nothing),
            ),
          (error: unknown) => respond(statusOf(error)),
        );
      };
    const server = new grpc.Server(limits);
    server.addService(service, {
      ...Object.fromEntries(Object.entries(service).map(([name, method]) => [name, handOn(method)])),
      handshake: (_call: Call, respond: Respond) => respond(null, nothing),
      configureStack: (call: Call, respond: Respond) => {
        configured.resolve(call.request);
        respond(null, nothing);
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return new PolicyPackFront(server, port, configured, pack);
  }

  /** What the pack's environment must say of the stack, once the engine has told. Rejects when the signal is aborted before. */
  async environment(signal: AbortSignal): Promise<Record<string, string>> {
    const given = Promise.withResolvers<never>();
    const giveUp = () => given.reject(signal.reason as Error);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      const request = await Promise.race([this.#configured.promise, given.promise]);
      return request === undefined
        ? {}
        : stackEnvironment(messages.AnalyzerStackConfigureRequest.deserializeBinary(request));
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Hands calls on to the pack, which listens at a port of this host, from what is known of the stack on. */
  async attach(port: number): Promise<void> {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), limits);
    const request = await this.#configured.promise;
    if (request !== undefined) {
      const refused = await new Promise<grpc.ServiceError | null>((resolve) => {
        const { path } = service["configureStack"] as grpc.MethodDefinition<Buffer, Buffer>;
        client.makeUnaryRequest(path, asItIs, asItIs, request, resolve);
      });
      if (refused !== null && refused.code !== grpc.status.UNIMPLEMENTED) {
        client.close();
        this.fail(refused);
        return;
      }
    }
    this.#pack.resolve(client);
  }

  /** Answers calls that wait for the pack by an error. It means nothing when the pack is there. */
  fail(error: Error): void {
    this.#pack.reject(error);
  }

  async close(): Promise<void> {
    this.fail(new Error("the policy pack has ended"));
    // Whoever waits is answered first.
    const timer = setTimeout(() => this.#server.forceShutdown(), closeGraceMs);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(timer);
    await this.#pack.promise.then(
      (client) => client.close(),
      () => undefined,
    );
  }
}

function stackEnvironment(request: messages.AnalyzerStackConfigureRequest): Record<string, string> {
  const told = {
    PULUMI_NODEJS_ORGANIZATION: request.getOrganization(),
    PULUMI_NODEJS_PROJECT: request.getProject(),
    PULUMI_NODEJS_STACK: request.getStack(),
    PULUMI_NODEJS_DRY_RUN: String(request.getDryRun()),
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== ""));
}

/** Takes what a pack prints: its port, which is the first line, for the front, and the rest for `onOutput`. */
export function portThenOutput(
  front: Pick<PolicyPackFront, "attach" | "fail">,
  onOutput: (chunk: Buffer) => void | Promise<void>,
): (chunk: Buffer) => Promise<void> {
  let first: Buffer | undefined = nothing;
  return async (chunk) => {
    if (first === undefined) return await onOutput(chunk);
    first = Buffer.concat([first, chunk]);
    const [, port, rest] = /^(\d{1,5})\r?\n([^]*)$/.exec(first.toString("latin1")) ?? [];
    if (port === undefined && /^\d{0,5}\r?$/.test(first.toString("latin1"))) return;
    const told = rest === undefined ? first : Buffer.from(rest, "latin1");
    first = undefined;
    if (port === undefined)
      front.fail(new Error("the first line that the policy pack printed is not its port"));
    else await front.attach(Number(port));
    if (told.length > 0) await onOutput(told);
  };
}
