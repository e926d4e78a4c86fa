import { readFile, stat } from "node:fs/promises";
import { writeFileAtomically } from "../atomic-file.ts";
import { ServerError } from "../errors.ts";
import {
  configLimits,
  findFolder,
  findItem,
  formatConfig,
  parseConfig,
  withChild,
  type ConfigDocument,
  type ConfigFolder,
  type ConfigItem,
} from "./config-text.ts";
import type { StatePaths } from "./paths.ts";

/** What this version reads of `vpn_server.config`. */
export interface ServerConfig {
  /** TCP ports 1..65535, each at most once. */
  readonly listeners: readonly ListenerConfig[];
}

export interface ListenerConfig {
  readonly port: number;
  readonly enabled: boolean;
}

/** What a server without configuration file starts with: the ports of the SoftEther manual. */
export const defaultServerConfig: ServerConfig = {
  listeners: [443, 992, 5555].map((port) => ({ port, enabled: true })),
};

const header = [
  "# Configuration of the VPN server.",
  "#",
  "# The server keeps what it does not know. Stop it before you edit this file (vpnserver stop).",
  "",
];

const emptyDocument: ConfigDocument = {
  header,
  root: { kind: "folder", name: "root", children: [item("uint", "ConfigRevision", "1")] },
};

/**
 * Reads `vpn_server.config`; a file that is not there gives {@link defaultServerConfig}.
 *
 * @throws {ServerError} STATE_INVALID when the file cannot be read or understood
 */
export async function readServerConfig(paths: Pick<StatePaths, "configFile">): Promise<ServerConfig> {
  const document = await readDocument(paths.configFile);
  if (document === undefined) return defaultServerConfig;
  return { listeners: listenersOf(document, paths.configFile) };
}

/** As {@link readServerConfig}, and writes the file if it is not there. */
export async function readOrCreateServerConfig(paths: Pick<StatePaths, "configFile">): Promise<ServerConfig> {
  if ((await readDocument(paths.configFile)) === undefined) {
    await writeServerConfig(paths, defaultServerConfig);
  }
  return readServerConfig(paths);
}

/**
 * Writes `config` into `vpn_server.config`, atomically and on the disk when this resolves. What the file holds besides is
 * kept, and so are the other settings of a listener that stays.
 *
 * @throws {ServerError} STATE_INVALID when there is a file that cannot be understood, which is then left as it is, or when
 *   writing fails; USAGE when a port is none
 */
export async function writeServerConfig(
  paths: Pick<StatePaths, "configFile">,
  config: ServerConfig,
): Promise<void> {
  const { configFile } = paths;
  checkPorts(config.listeners, (problem) => new ServerError("USAGE", problem));
  const document = (await readDocument(configFile)) ?? emptyDocument;
  const former = findFolder(document.root, "ListenerList");
  const children = config.listeners.map(({ port, enabled }, index): ConfigFolder => {
    const kept = former?.children.find(
      (child): child is ConfigFolder => child.kind === "folder" && portText(child) === String(port),
    );
    const listener: ConfigFolder = {
      kind: "folder",
      name: `Listener${index}`,
      children: kept?.children ?? [item("bool", "DisableDos", "false")],
    };
    return withChild(
      withChild(listener, item("bool", "Enabled", String(enabled))),
      item("uint", "Port", String(port)),
    );
  });
  const root = withChild(document.root, { kind: "folder", name: "ListenerList", children });
  try {
    await writeFileAtomically(configFile, formatConfig({ ...document, root }), { mode: 0o600 });
  } catch (error) {
    throw new ServerError("STATE_INVALID", `cannot write ${configFile}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function readDocument(path: string): Promise<ConfigDocument | undefined> {
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
  try {
    return parseConfig(bytes);
  } catch (error) {
    throw damaged(path, (error as Error).message, error);
  }
}

function listenersOf(document: ConfigDocument, path: string): ListenerConfig[] {
  const list = findFolder(document.root, "ListenerList");
  const listeners = (list?.children ?? []).flatMap((child) => {
    if (child.kind !== "folder") return [];
    const port = portText(child);
    if (port === undefined || !/^\d+$/.test(port)) {
      throw damaged(path, `ListenerList/${child.name} has no number as Port`);
    }
    return [{ port: Number(port), enabled: findItem(child, "bool", "Enabled")?.value === "true" }];
  });
  checkPorts(listeners, (problem) => damaged(path, problem));
  return listeners;
}

function portText(listener: ConfigFolder): string | undefined {
  return findItem(listener, "uint", "Port")?.value;
}

function checkPorts(listeners: readonly ListenerConfig[], problem: (text: string) => ServerError): void {
  const seen = new Set<number>();
  for (const { port } of listeners) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw problem(`the listener's port ${port} is not between 1 and 65535`);
    }
    if (seen.has(port)) throw problem(`two listeners have port ${port}`);
    seen.add(port);
  }
}

function damaged(path: string, problem: string, cause?: unknown): ServerError {
  return new ServerError(
    "STATE_INVALID",
    `the configuration ${path} cannot be used: ${problem}; the file was left as it is: correct it, put a backup back, or move it away to begin with the defaults`,
    { cause },
  );
}

function item(type: string, name: string, value: string): ConfigItem {
  return { kind: "item", type, name, value };
}
