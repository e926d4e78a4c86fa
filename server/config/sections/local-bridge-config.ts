import { randomBytes } from "node:crypto";
import { formatMac, macBytes, parseMac } from "../../ethernet/mac-address.ts";
import { isSameBridge, type LocalBridgeSettings } from "../../settings/local-bridge-settings.ts";
import { emptyFolder, FieldReader, fields, foldersIn, withFields } from "../text/config-fields.ts";
import { findFolder, named, withChild, withChildren, type ConfigFolder } from "../text/config-node.ts";

const listName = "LocalBridgeList";

/** Of a TAP: a local address that begins as those of the official server do. */
export function randomTapMac(): Uint8Array {
  return Uint8Array.of(0x5e, ...randomBytes(macBytes - 1));
}

/**
 * The local bridges of a configuration, in their order. One without a hub or a device is none, and of two with the same ones the first
 * counts. Source: `Cedar/Server.c` SiLoadLocalBridgeCfg.
 *
 * @throws {ConfigFieldError} for an address that is none
 */
export function readLocalBridges(root: ConfigFolder): readonly LocalBridgeSettings[] {
  const bridges: LocalBridgeSettings[] = [];
  for (const folder of foldersIn(findFolder(root, listName))) {
    const bridge = readBridge(new FieldReader(folder, `${listName}/${folder.name}`));
    if (bridge.hubName === "" || bridge.deviceName === "") continue;
    if (!bridges.some((other) => isSameBridge(other, bridge))) bridges.push(bridge);
  }
  return bridges;
}

/** `root` with these bridges; what the list holds besides, and what is not known of a bridge that stays, is kept. */
export function writeLocalBridges(root: ConfigFolder, bridges: readonly LocalBridgeSettings[]): ConfigFolder {
  const found = findFolder(root, listName);
  if (found === undefined && bridges.length === 0) return root;
  const list = found ?? emptyFolder(listName);
  const former = foldersIn(list);
  const children = bridges.map((bridge, index) => {
    const folder = former.find((each) => isSameBridge(readBridge(new FieldReader(each, listName)), bridge));
    return named(writeBridge(bridge, folder ?? emptyFolder("")), `LocalBridge${index}`);
  });
  const others = list.children.filter((child) => child.kind !== "folder");
  return withChild(root, withChildren(list, [...others, ...children]));
}

function readBridge(reader: FieldReader): LocalBridgeSettings {
  return {
    hubName: reader.text("HubName"),
    deviceName: reader.text("DeviceName"),
    tap: reader.bool("TapMode") ? readMac(reader) : undefined,
    promiscuous: !reader.bool("NoPromiscuousMode"),
    monitor: reader.bool("MonitorMode"),
    limitsBroadcasts: reader.bool("LimitBroadcast"),
  };
}

function readMac(reader: FieldReader): Uint8Array {
  const name = "TapMacAddress";
  const text = reader.text(name).trim();
  if (text === "") return randomTapMac();
  const bytes = parseMac(text);
  if (bytes?.length !== macBytes) throw reader.error(name, "is no MAC address");
  return bytes;
}

function writeBridge(bridge: LocalBridgeSettings, folder: ConfigFolder): ConfigFolder {
  return withFields(folder, {
    DeviceName: fields.text(bridge.deviceName),
    HubName: fields.text(bridge.hubName),
    LimitBroadcast: fields.bool(bridge.limitsBroadcasts),
    MonitorMode: fields.bool(bridge.monitor),
    NoPromiscuousMode: fields.bool(!bridge.promiscuous),
    TapMacAddress: bridge.tap && fields.text(formatMac(bridge.tap)),
    TapMode: fields.bool(bridge.tap !== undefined),
  });
}
