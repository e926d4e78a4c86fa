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

/**
 * Has the outputs of a component fail in silence: its resources, which fail by the same error, have it told once. The runtime looks
 * at outputs only after the program has run, and until then Node.js would warn of each.
 */
export function failQuietly(outputs: object): void {
  for (const output of Object.values(outputs)) {
    if (pulumi.Output.isInstance(output)) void pulumi.recover(output, () => undefined);
  }
}
