import type { Administration } from "../../server/admin/administration.ts";
import { createHandlers } from "../../server/admin/handlers.ts";

/** Names of the methods that the server has a handler for. */
export function supportedMethods(): ReadonlySet<string> {
  // Handlers look at the server when they are called, which is not done here.
  const nothing = {} as Administration;
  return new Set(Object.keys(createHandlers(nothing)));
}
