import {
  commandInputs,
  commandOutputs,
  connectionShape,
  copyInputs,
  copyOutputs,
  proxyShape,
} from "./resource-shapes.ts";
import type { Field, Shape, StructShape } from "./shapes.ts";

/** The version of the official program whose contract is kept. */
export const pluginVersion = "1.2.1";

const loggingType = "command:remote:Logging";

/** The schema of the package, as far as the stand-in goes: enough for the engine and for a YAML program. */
export const pluginSchema = {
  name: "command",
  displayName: "Command",
  version: pluginVersion,
  description: "Commands and files on remote hosts, over SSH.",
  config: {},
  provider: {},
  types: {
    "command:remote:Connection": objectType(connectionShape),
    "command:remote:ProxyConnection": objectType(proxyShape),
    [loggingType]: {
      type: "string",
      enum: ["stdout", "stderr", "stdoutAndStderr", "none"].map((value) => ({ name: value, value })),
    },
  },
  resources: {
    "command:remote:Command": resourceSchema(commandInputs, commandOutputs),
    "command:remote:CopyToRemote": resourceSchema(copyInputs, copyOutputs),
  },
};

function resourceSchema(inputs: StructShape, outputs: StructShape) {
  return {
    properties: propertiesOf(outputs),
    required: requiredOf(outputs),
    inputProperties: propertiesOf(inputs),
    requiredInputs: requiredOf(inputs),
  };
}

function objectType(shape: StructShape) {
  return { type: "object", properties: propertiesOf(shape), required: requiredOf(shape) };
}

function requiredOf({ fields }: StructShape): string[] {
  return Object.keys(fields).filter((name) => fields[name]?.required);
}

function propertiesOf({ fields }: StructShape) {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, propertyOf(field)]));
}

function propertyOf(field: Field) {
  return {
    ...typeOf(field.shape),
    ...(field.default !== undefined && { default: field.default }),
    ...(field.secret && { secret: true }),
    ...(field.replaces && { replaceOnChanges: true }),
  };
}

function typeOf(shape: Shape): Record<string, unknown> {
  switch (shape.kind) {
    case "string":
      return shape.typeName === "remote.Logging" ? { $ref: `#/types/${loggingType}` } : { type: "string" };
    case "number":
    case "integer":
    case "boolean":
      return { type: shape.kind };
    case "list":
      return { type: "array", items: { $ref: "pulumi.json#/Any" } };
    case "strings":
      return { type: "object", additionalProperties: { type: "string" } };
    case "source":
      return { $ref: "pulumi.json#/Asset" };
    case "struct":
      return { $ref: `#/types/${shape.typeName.replace(/^remote\./, "command:remote:")}` };
  }
}
