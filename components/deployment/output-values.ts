import * as pulumi from "@pulumi/pulumi";

/** A preview dials nobody, so it knows nothing of the server. */
export function unknownOutput<T>(): pulumi.Output<T> {
  return pulumi.output(pulumi.unknown as unknown as T) as pulumi.Output<T>;
}

/** Whether there is a value: a preview does not know some. */
export function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
  // Every Output has it, though the declarations leave it out.
  return (output as unknown as { isKnown: Promise<boolean> }).isKnown;
}

/** Never resolves in a preview that does not know the value. */
export function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  // Every Output has it, though the declarations leave it out.
  const promise = (output as unknown as { promise(): Promise<T> }).promise();
  // Who waits for it is told; nobody may.
  promise.catch(() => {});
  return promise;
}

/** A text among the properties that a hook is given. */
export function textAmong(properties: unknown, name: string): Promise<string> {
  const value = (properties as Record<string, unknown> | undefined)?.[name];
  return promiseOf(pulumi.output((value ?? "") as string));
}
