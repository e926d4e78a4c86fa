import * as pulumi from "@pulumi/pulumi";

/** Whether the value is known only when the engine has run. */
export function isLater(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}
