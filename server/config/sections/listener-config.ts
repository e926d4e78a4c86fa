import { ConfigFieldError } from "../text/config-fields.ts";
import {
  findFolder,
  findItem,
  withChild,
  type ConfigDocument,
  type ConfigFolder,
  type ConfigItem,
} from "../text/config-text.ts";

export interface ListenerConfig {
  readonly port: number;
  readonly enabled: boolean;
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
 * @throws {ConfigFieldError}
 */
export function listenersOf(document: ConfigDocument): ListenerConfig[] {
  const list = findFolder(document.root, "ListenerList");
  const listeners = (list?.children ?? []).flatMap((child) => {
    if (child.kind !== "folder") return [];
    const port = portText(child);
    if (port === undefined || !/^\d+$/.test(port)) {
      throw new ConfigFieldError(`ListenerList/${child.name}`, "has no number as Port");
    }
    return [{ port: Number(port), enabled: findItem(child, "bool", "Enabled")?.value === "true" }];
  });
  const problem = problemOfPorts(listeners);
  if (problem !== undefined) throw new ConfigFieldError("ListenerList", `cannot be: ${problem}`);
  return listeners;
}

function portText(listener: ConfigFolder): string | undefined {
  return findItem(listener, "uint", "Port")?.value;
}

/** Why there cannot be these listeners; undefined when there can. */
export function problemOfPorts(listeners: readonly ListenerConfig[]): string | undefined {
  const seen = new Set<number>();
  for (const { port } of listeners) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      return `the listener's port ${port} is not between 1 and 65535`;
    }
    if (seen.has(port)) return `two listeners have port ${port}`;
    seen.add(port);
  }
  return undefined;
}

function item(type: string, name: string, value: string): ConfigItem {
  return { kind: "item", type, name, value };
}
