import { readFile, stat } from "node:fs/promises";
import { writeFileAtomically } from "../atomic-file.ts";
import { ServerError } from "../errors.ts";
import {
  configLimits,
  findFolder,
  formatConfig,
  parseConfig,
  withChild,
  type ConfigDocument,
} from "./config-text.ts";

const header = [
  "# Configuration of the VPN server.",
  "#",
  "# The server keeps what it does not know. Stop it before you edit this file (vpnserver stop).",
  "",
];

/** What a configuration begins with. */
export const emptyDocument: ConfigDocument = {
  header,
  root: {
    kind: "folder",
    name: "root",
    children: [
      { kind: "item", type: "uint", name: "ConfigRevision", value: "1" },
      { kind: "folder", name: "ServerConfiguration", children: [] },
    ],
  },
};

/**
 * The document with a folder `ServerConfiguration`, without which the official server takes nothing of a file
 * (`Cedar/Server.c` SiLoadConfigurationCfg).
 */
export function withServerConfiguration(document: ConfigDocument): ConfigDocument {
  const { root } = document;
  if (findFolder(root, "ServerConfiguration") !== undefined) return document;
  const folder = { kind: "folder", name: "ServerConfiguration", children: [] } as const;
  return { ...document, root: withChild(root, folder) };
}

/**
 * Reads a configuration file; undefined when there is none.
 *
 * @throws {ServerError} STATE_INVALID when the file cannot be read or understood
 */
export async function readDocument(path: string): Promise<ConfigDocument | undefined> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > configLimits.bytes) throw new Error(`it is larger than ${configLimits.bytes} bytes`);
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ServerError("STATE_INVALID", `cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parseDocument(path, bytes);
}

/** @throws {ServerError} STATE_INVALID when it cannot be understood */
export function parseDocument(path: string, bytes: Uint8Array): ConfigDocument {
  try {
    return parseConfig(bytes);
  } catch (error) {
    throw damaged(path, (error as Error).message, error);
  }
}

/**
 * Writes a configuration file, atomically and on the disk when this resolves; for its owner alone.
 *
 * @throws {ServerError} STATE_INVALID when that fails; the file is as it was then
 */
export async function writeDocument(path: string, document: ConfigDocument): Promise<void> {
  try {
    const bytes = formatConfig(document);
    if (bytes.length > configLimits.bytes) {
      throw new Error(`it would be larger than ${configLimits.bytes} bytes`);
    }
    await writeFileAtomically(path, bytes, { mode: 0o600 });
  } catch (error) {
    throw new ServerError("STATE_INVALID", `cannot write ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The error of a file that cannot be used. */
export function damaged(path: string, problem: string, cause?: unknown): ServerError {
  return new ServerError(
    "STATE_INVALID",
    `the configuration ${path} cannot be used: ${problem}; the file was left as it is: correct it, put a backup back, or move it away to begin with the defaults`,
    { cause },
  );
}
