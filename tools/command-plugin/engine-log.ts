import grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import type { OperationLog } from "./operation.ts";

const severities = {
  debug: engineMessages.LogSeverity.DEBUG,
  info: engineMessages.LogSeverity.INFO,
  warning: engineMessages.LogSeverity.WARNING,
  error: engineMessages.LogSeverity.ERROR,
};

/** The engine, as far as it takes messages. */
export class EngineLog {
  readonly #client: engineServices.EngineClient;

  /** @param address `host:port` */
  constructor(address: string) {
    this.#client = new engineServices.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** Messages about one resource. */
  about(urn: string): OperationLog {
    return {
      message: (severity, text) => this.#send(urn, severity, text, false),
      status: (text) => this.#send(urn, "info", text, true),
    };
  }

  /** A message that the engine does not take is printed instead: it must not fail the deployment. */
  #send(urn: string, severity: keyof typeof severities, text: string, ephemeral: boolean): Promise<void> {
    const request = new engineMessages.LogRequest();
    request.setSeverity(severities[severity]);
    request.setMessage(text);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    return new Promise((resolve) => {
      this.#client.log(request, (error) => {
        if (error) process.stderr.write(`${severity}: ${text}\n`);
        resolve();
      });
    });
  }
}
