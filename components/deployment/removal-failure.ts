import * as pulumi from "@pulumi/pulumi";
import { hasRealEngine } from "./engine-support.ts";

/**
 * Tells the ways out when a server cannot be taken off its host. The resource that fails is often no longer in the program, and the
 * error itself comes from the command plugin.
 *
 * The engine calls hooks of deleted resources by their names, so this one is registered once for each run of a program. It is bound
 * to the resource's state; where it is not registered, as in a `pulumi destroy` that does not run the program, nothing is lost but
 * the hint.
 */
export function removalFailureHook(): pulumi.ErrorHook | undefined {
  // A plugin's calls have no connection of their own to the engine for so long.
  if (!hasRealEngine() || isServed) return undefined;
  const monitor: object | undefined = pulumi.runtime.getMonitor();
  if (monitor === undefined) return undefined;
  let hook = hooks.get(monitor);
  if (hook === undefined) {
    hook = new pulumi.ErrorHook("vpnserver-removal-failure", explain);
    hooks.set(monitor, hook);
  }
  return hook;
}

let isServed = false;

/** The components run in a plugin, for a program in another language. */
export function servedByPlugin(): void {
  isServed = true;
}

/** Shared by copies of this package in one program: a name can be registered once. */
const hooks = ((globalThis as Record<symbol, unknown>)[Symbol.for("pulumi-vpnserver.removal-hooks")] ??=
  new WeakMap()) as WeakMap<object, pulumi.ErrorHook>;

const child = "$command:remote:Command";
const suffix = "-install";

function explain({ urn, name, failedOperation, errors }: pulumi.ErrorHookArgs): boolean {
  if (failedOperation !== "delete") return false;
  const server = urn.replace(child, "").slice(0, -suffix.length);
  const why = errors[0] === undefined ? "" : `: ${errors[0]}`;
  void pulumi.log.error(
    `VpnServer "${name.slice(0, -suffix.length)}" could not be taken off its host${why}.\n` +
      "If the host comes back, run this again. If it is gone for good, forget the server, which dials nobody:\n" +
      `  pulumi state delete --target-dependents '${server}'\n` +
      "A server with uninstallOnDestroy: false is forgotten without being taken off its host.",
  );
  return false;
}
