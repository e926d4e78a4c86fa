import type languageMessages from "@pulumi/pulumi/proto/language_pb.js";
import type { RuntimeOptions } from "./runtime-options.ts";

/** What a run needs that the engine does not say in its request. */
export interface RunContext {
  /** Path of the SDK's program that runs programs. */
  readonly runPath: string;
  readonly engineAddress: string;
  /** Where spans go to, if anywhere. */
  readonly tracing?: string | undefined;
}

/** The arguments of Node.js for a run: the SDK's program, how it reaches the engine, the user's program and its own. */
export function programArguments(
  request: languageMessages.RunRequest,
  options: RuntimeOptions,
  context: RunContext,
): string[] {
  const info = request.getInfo();
  const named: Record<string, string | undefined> = {
    // The engine's own addresses: a proxy in between would lack whatever methods it was not made for.
    monitor: request.getMonitorAddress(),
    engine: context.engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory(),
    stack: request.getStack(),
    pwd: info?.getProgramDirectory(),
    parallel: String(request.getParallel()),
    tracing: context.tracing,
  };
  return [
    ...options.nodeArguments,
    context.runPath,
    ...Object.entries(named).flatMap(([name, value]) => (value ? [`--${name}=${value}`] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() || ".",
    ...request.getArgsList(),
  ];
}

/** The variables of a run: the configuration, and what the SDK must know before it loads the program. */
export function programEnvironment(
  request: languageMessages.RunRequest,
  options: RuntimeOptions,
): Record<string, string> {
  const config: Record<string, string> = {};
  for (const [key, value] of request.getConfigMap().entries()) config[longConfigKey(key)] = value;
  return {
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    ...languageEnvironment(options),
  };
}

/** How the SDK is to load TypeScript, in programs and in plugins. */
export function languageEnvironment(options: RuntimeOptions): Record<string, string> {
  return {
    ...(options.typescript && { PULUMI_NODEJS_TYPESCRIPT: "true" }),
    ...(options.tsconfig && { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
  };
}

/** `namespace:name` as `namespace:config:name`, which every version of the SDK reads. */
function longConfigKey(key: string): string {
  const [namespace = "", ...rest] = key.split(":");
  if (rest.length === 2 && rest[0] === "config") return key;
  if (rest.length !== 1) throw new Error(`the configuration key ${key} is not of the form namespace:name`);
  return `${namespace}:config:${rest[0]}`;
}
