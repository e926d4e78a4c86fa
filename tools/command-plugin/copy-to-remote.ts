import { openConnection } from "./connection.ts";
import { readConnection, readText } from "./inputs.ts";
import { orAborted, type Operation } from "./operation.ts";
import { Archive, Asset, type SourceFields, type ValueMap } from "./property-values.ts";
import { copyInputs, copyOutputs } from "./resource-shapes.ts";
import { uniqueId, type Resource } from "./resource.ts";
import { SftpUpload } from "./sftp-upload.ts";
import type { Failure } from "./shapes.ts";

/** `command:remote:CopyToRemote`: a file or folder of this machine, on a host. Deleting it leaves the copy there. */
export const copyToRemote: Resource = {
  inputs: copyInputs,
  outputs: copyOutputs,
  deletes: false,

  check(inputs) {
    const failures: Failure[] = [];
    const source = inputs.get("source")?.data;
    if (source instanceof Asset) {
      if (!source.fields.path && !source.fields.text) {
        failures.push({
          property: "asset",
          reason: "asset must be a path-based file asset or a text asset",
        });
      }
    } else if (source instanceof Archive) {
      if (!source.fields.path) {
        failures.push({ property: "archive", reason: "archive must be a path to a file or directory" });
      }
    } else {
      // A source that is not known before the deployment ends here too.
      failures.push({ property: "asset", reason: "either asset or archive must be set" });
    }
    return failures;
  },

  previewOutputs: (inputs) => inputs,

  previewId: () => "",

  async create(_name, inputs, operation) {
    await copy(inputs, operation);
    return { id: uniqueId(""), outputs: inputs };
  },

  async update(state, inputs, operation) {
    const moved = readText(inputs, "remotePath") !== readText(state, "remotePath");
    if (moved || sourceOf(inputs).hash !== sourceOf(state).hash) await copy(inputs, operation);
    return inputs;
  },

  delete: async () => {},
};

function sourceOf(properties: ValueMap): SourceFields {
  const source = properties.get("source")?.data;
  return source instanceof Asset || source instanceof Archive ? source.fields : {};
}

async function copy(inputs: ValueMap, operation: Operation): Promise<void> {
  const target = readConnection(inputs);
  const destination = readText(inputs, "remotePath") ?? "";
  const { text, path = "" } = sourceOf(inputs);
  const from = text ? "text asset" : `local file ${path}`;
  await operation.log.message("debug", `Creating file: ${target.host}:${destination} from ${from}`);
  const connection = await openConnection(target, operation);
  try {
    await orAborted(
      operation.signal,
      SftpUpload.open(connection.client).then((upload) =>
        text ? upload.putText(text, destination) : upload.putPath(path, destination),
      ),
    );
  } finally {
    connection.close();
  }
}
