import { ServerError } from "../errors.ts";
import { damaged, emptyDocument, readDocument, writeDocument } from "./config-document.ts";
import {
  findFolder,
  findItem,
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
  checkPorts(config.listeners, (problem) => new ServerError("USAGE", problem));
  const document = (await readDocument(paths.configFile)) ?? emptyDocument;
  await writeDocument(paths.configFile, withListeners(document, config.listeners));
}

/** The document with these listeners; the other settings of a listener that stays are kept. */
export function withListeners(
  document: ConfigDocument,
  listeners: readonly ListenerConfig[],
): ConfigDocument {
  const former = findFolder(document.root, "ListenerList");
  const children = listeners.map(({ port, enabled }, index): ConfigFolder => {
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
  return { ...document, root: withChild(document.root, { kind: "folder", name: "ListenerList", children }) };
}

/**
 * The listeners of a document.
 *
 * @throws {ServerError} STATE_INVALID
 */
export function listenersOf(document: ConfigDocument, path: string): ListenerConfig[] {
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

function item(type: string, name: string, value: string): ConfigItem {
  return { kind: "item", type, name, value };
}
