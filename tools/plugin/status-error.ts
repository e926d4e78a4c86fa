import grpc from "@grpc/grpc-js";

/** A failure whose gRPC status says more than that something failed. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: grpc.status;

  constructor(status: keyof typeof grpc.status, message: string) {
    super(message);
    this.status = grpc.status[status];
  }
}

/** The status that an answer carries for an error. */
export function statusOf(error: unknown): { code: grpc.status; details: string } {
  if (error instanceof StatusError) return { code: error.status, details: error.message };
  return { code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) };
}
