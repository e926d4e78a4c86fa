import grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";

/** One message that a plugin gave the engine to show. */
export interface LogMessage {
  readonly severity: "debug" | "info" | "warning" | "error";
  readonly message: string;
  readonly urn: string;
  /** Shown only while the resource is under way. */
  readonly ephemeral: boolean;
}

const severities = ["debug", "info", "warning", "error"] as const;

/** As much of the engine as a plugin calls: it takes log messages. */
export class FakeEngine {
  readonly address: string;
  readonly #server: grpc.Server;
  #messages: LogMessage[] = [];

  private constructor(server: grpc.Server, messages: LogMessage[], port: number) {
    this.#server = server;
    this.#messages = messages;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(): Promise<FakeEngine> {
    const messages: LogMessage[] = [];
    const server = new grpc.Server();
    server.addService(engineServices.EngineService, {
      log: (
        call: grpc.ServerUnaryCall<engineMessages.LogRequest, unknown>,
        respond: grpc.sendUnaryData<unknown>,
      ) => {
        const request = call.request;
        messages.push({
          severity: severities[request.getSeverity()] ?? "error",
          message: request.getMessage(),
          urn: request.getUrn(),
          ephemeral: request.getEphemeral(),
        });
        respond(null, new emptyMessages.Empty());
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    return new FakeEngine(server, messages, port);
  }

  /** The messages about one resource so far, in order. */
  messagesOf(urn: string): LogMessage[] {
    return this.#messages.filter((message) => message.urn === urn);
  }

  close(): void {
    this.#server.forceShutdown();
  }
}
