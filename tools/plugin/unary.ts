import type grpc from "@grpc/grpc-js";
import { statusOf } from "./status-error.ts";

/** A call that the engine may give up. */
export interface Cancellable {
  on(event: "cancelled", listener: () => void): unknown;
}

/** Wraps a function into a handler whose errors become the status of the answer. */
export function unary<Request, Response>(
  act: (request: Request, call: Cancellable) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, respond) => {
    Promise.resolve()
      .then(() => act(call.request, call as Cancellable))
      .then(
        (answer) => respond(null, answer),
        (error: unknown) => respond(statusOf(error)),
      );
  };
}
