import * as pulumi from "@pulumi/pulumi";

/**
 * Why a server could not be deployed, with its name in front.
 *
 * Outputs that failed are inputs of several resources, and the runtime puts `error serializing property "..."` before the
 * message of an error each time it passes through one of them. It tells each error object once, though. So there is one object
 * for each cause, and its message stays as it is.
 */
export class DeploymentError extends pulumi.ResourceError {
  constructor(message: string, resource: pulumi.Resource, options?: ErrorOptions) {
    super(message, resource, true);
    if (options !== undefined) this.cause = options.cause;
    Object.defineProperty(this, "message", { get: () => message, set: () => {} });
  }
}

/** What to tell of something that was thrown; never empty. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error) || "an unknown error";
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
