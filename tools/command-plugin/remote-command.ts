import { isUtf8 } from "node:buffer";
import { readConnection, readFlag, readStrings, readText } from "./inputs.ts";
import type { RunOutput } from "./command-run.ts";
import { runRemotely } from "./command-run.ts";
import type { Operation } from "./operation.ts";
import { plain, type ValueMap } from "./property-values.ts";
import { commandInputs, commandOutputs } from "./resource-shapes.ts";
import { uniqueId, type Resource } from "./resource.ts";
import { StatusError } from "../plugin/status-error.ts";

/** `command:remote:Command`: a command for each stage of a resource's life. */
export const remoteCommand: Resource = {
  inputs: commandInputs,
  outputs: commandOutputs,
  deletes: true,

  check: () => [],

  previewOutputs: (inputs, state) => withOutput(inputs, state?.get("stdout"), state?.get("stderr")),

  previewId: uniqueId,

  async create(name, inputs, operation) {
    const command = readText(inputs, "create");
    const outputs =
      command === undefined ? withOutput(inputs) : await run(command, inputs, undefined, operation);
    return { id: uniqueId(name), outputs };
  },

  async update(state, inputs, operation) {
    const command = readText(inputs, "update") ?? readText(inputs, "create");
    if (command === undefined) return withOutput(inputs, state.get("stdout"), state.get("stderr"));
    return run(command, inputs, state, operation);
  },

  async delete(state, operation) {
    const command = readText(state, "delete");
    if (command !== undefined) await runWithState(command, state, state, operation);
  },
};

async function run(
  command: string,
  inputs: ValueMap,
  state: ValueMap | undefined,
  operation: Operation,
): Promise<ValueMap> {
  const { stdout, stderr } = await runWithState(command, inputs, state, operation);
  return withOutput(inputs, plain(outputText(stdout)), plain(outputText(stderr)));
}

function runWithState(
  command: string,
  inputs: ValueMap,
  state: ValueMap | undefined,
  operation: Operation,
): Promise<RunOutput> {
  const stdin = readText(inputs, "stdin");
  const previous = new Map<string, string>();
  if (state && readFlag(inputs, "addPreviousOutputInEnv", true)) {
    for (const [variable, property] of [
      ["PULUMI_COMMAND_STDOUT", "stdout"],
      ["PULUMI_COMMAND_STDERR", "stderr"],
    ] as const) {
      const text = readText(state, property);
      if (text) previous.set(variable, text);
    }
  }
  return runRemotely(
    {
      connection: readConnection(inputs),
      command,
      ...(stdin !== undefined && { stdin }),
      environment: readStrings(inputs, "environment"),
      optionalEnvironment: previous,
      logging: readText(inputs, "logging") ?? "stdoutAndStderr",
    },
    operation,
  );
}

function withOutput(inputs: ValueMap, stdout = plain(""), stderr = plain("")): ValueMap {
  return new Map([...inputs, ["stdout", stdout], ["stderr", stderr]]);
}

/** The output without its last line end. Output that is no text cannot be a property. */
function outputText(output: Buffer): string {
  if (!isUtf8(output)) {
    throw new StatusError("INTERNAL", "grpc: error while marshaling: string field contains invalid UTF-8");
  }
  return output.toString().replace(/\n$/, "");
}
