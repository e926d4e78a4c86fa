import * as pulumi from "@pulumi/pulumi";

/** Options of a resource, as the engine is asked to register it. */
export interface RegisteredOptions {
  readonly name: string;
  readonly parent: string;
  readonly ignorechangesList: readonly string[];
  readonly dependenciesList: readonly string[];
  readonly deletebeforereplace: boolean;
  readonly deletedwith: string;
  readonly retainondelete?: boolean;
  readonly protect?: boolean;
}

/** The options of resources by their names, from now on. The engine has to be mocked already. */
export function recordOptions(): ReadonlyMap<string, RegisteredOptions> {
  const options = new Map<string, RegisteredOptions>();
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: { toObject(): RegisteredOptions }, callback: unknown): void;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    const message = request.toObject();
    options.set(message.name, message);
    register(request, callback);
  };
  return options;
}
