import { once } from "node:events";
import type grpc from "@grpc/grpc-js";
import { statusOf } from "./status-error.ts";

/**
 * Wraps a function into a handler that answers with a stream. The function awaits each answer that it sends, so that one
 * who reads slowly holds it back; the signal is aborted when the engine gives up the call.
 */
export function serverStream<Request, Response>(
  act: (request: Request, send: (response: Response) => Promise<void>, signal: AbortSignal) => Promise<void>,
): grpc.handleServerStreamingCall<Request, Response> {
  return (call) => {
    const controller = new AbortController();
    const { signal } = controller;
    call.on("cancelled", () => controller.abort(new Error("the engine has cancelled the call")));
    const send = async (response: Response) => {
      if (!signal.aborted && !call.write(response)) await once(call, "drain", { signal });
    };
    act(call.request, send, signal).then(
      () => call.end(),
      // This is how the library is told of a failure; nothing is thrown.
      (error: unknown) => call.emit("error", statusOf(error)),
    );
  };
}
