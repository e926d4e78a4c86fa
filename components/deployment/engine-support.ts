import * as pulumi from "@pulumi/pulumi";

/**
 * Whether a real engine listens. The mocks of a user's own tests (`pulumi.runtime.setMocks`) know no hooks, no transforms and no
 * organization. `pulumi.runtime.hasEngine()` does not tell: it is false in a plugin and in an inline program too.
 */
export function hasRealEngine(): boolean {
  const monitor = pulumi.runtime.getMonitor() as { readonly registerResourceHook?: unknown } | undefined;
  return typeof monitor?.registerResourceHook === "function";
}

/** Hooks among the options of a resource, where there is an engine that calls them. */
export function hooks(binding: pulumi.ResourceHookBinding): Pick<pulumi.CustomResourceOptions, "hooks"> {
  return hasRealEngine() ? { hooks: binding } : {};
}
