import { text, type Field, type Shape, type StructShape } from "./shapes.ts";

/** The properties of the resources, in the order in which the official program looks at them. */

const endpointFields: Readonly<Record<string, Field>> = {
  user: { shape: text, default: "root" },
  password: { shape: text, secret: true },
  host: { shape: text, required: true },
  port: { shape: { kind: "number" }, default: 22 },
  privateKey: { shape: text, secret: true },
  privateKeyPassword: { shape: text, secret: true },
  agentSocketPath: { shape: text },
  dialErrorLimit: { shape: { kind: "integer" }, default: 10 },
  perDialTimeout: { shape: { kind: "integer" }, default: 15 },
  hostKey: { shape: text },
};

export const proxyShape: StructShape = {
  kind: "struct",
  typeName: "remote.ProxyConnection",
  fields: endpointFields,
};

export const connectionShape: StructShape = {
  kind: "struct",
  typeName: "remote.Connection",
  fields: { ...endpointFields, proxy: { shape: proxyShape } },
};

export const loggingShape: Shape = { kind: "string", typeName: "remote.Logging" };

const connection: Field = { shape: connectionShape, required: true, secret: true };
const triggers: Field = { shape: { kind: "list" }, replaces: true };

const commandFields: Readonly<Record<string, Field>> = {
  triggers,
  create: { shape: text },
  update: { shape: text },
  delete: { shape: text },
  stdin: { shape: text },
  logging: { shape: loggingShape },
  connection,
  environment: { shape: { kind: "strings" } },
  addPreviousOutputInEnv: { shape: { kind: "boolean" } },
};

export const commandInputs: StructShape = {
  kind: "struct",
  typeName: "remote.CommandInputs",
  fields: commandFields,
};

export const commandOutputs: StructShape = {
  kind: "struct",
  typeName: "remote.CommandOutputs",
  fields: {
    ...commandFields,
    stdout: { shape: text, required: true },
    stderr: { shape: text, required: true },
  },
};

const copyFields: Readonly<Record<string, Field>> = {
  connection,
  triggers,
  source: { shape: { kind: "source" }, required: true },
  remotePath: { shape: text, required: true },
};

export const copyInputs: StructShape = {
  kind: "struct",
  typeName: "remote.CopyToRemoteInputs",
  fields: copyFields,
};

export const copyOutputs: StructShape = {
  kind: "struct",
  typeName: "remote.CopyToRemoteOutputs",
  fields: copyFields,
};
