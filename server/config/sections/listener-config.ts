import { problemOfPorts, type ListenerSettings } from "../../settings/listener-settings.ts";
import { ConfigFieldError } from "../text/config-fields.ts";
import {
  findFolder,
  findItem,
  withChild,
  type ConfigDocument,
  type ConfigFolder,
  type ConfigItem,
} from "../text/config-node.ts";

/** The document with these listeners; the other settings of a listener that stays are kept. */
export function withListeners(
  document: ConfigDocument,
  listeners: readonly ListenerSettings[],
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
export function listenersOf(document: ConfigDocument): ListenerSettings[] {
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

function item(type: string, name: string, value: string): ConfigItem {
  return { kind: "item", type, name, value };
}
