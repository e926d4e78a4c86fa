import * as pulumi from "@pulumi/pulumi";

/**
 * The output's value, or the substitute where a preview does not know it yet. For resources that refuse an unknown input
 * in a preview, as `command:remote:CopyToRemote` does for its source.
 */
export function substituteUnknown<T>(
  output: pulumi.Output<T>,
  substitute: T,
): pulumi.Output<pulumi.Unwrap<T>> {
  // Every Output has it, though the declarations leave it out.
  const { isKnown } = output as unknown as { isKnown: Promise<boolean> };
  return pulumi.output(
    isKnown.then((known): pulumi.Input<T> => (known ? output : substitute)),
  ) as pulumi.Output<pulumi.Unwrap<T>>;
}
