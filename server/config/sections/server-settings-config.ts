import { hashAdminPassword } from "../../wire/sha0.ts";
import { atOnce, type Steps } from "../../turns.ts";
import { emptyFolder, FieldReader, fields, withFields } from "../text/config-fields.ts";
import { findFolder, withChild, type ConfigDocument } from "../text/config-node.ts";
import { readHubsInSteps, writeHubsInSteps } from "./hub-config.ts";
import { listenersOf, withListeners } from "./listener-config.ts";
import { readLocalBridges, writeLocalBridges } from "./local-bridge-config.ts";
import { readServerAccess } from "./server-access-config.ts";
import { identityFields, readIdentity } from "./identity-config.ts";
import type { KeepAliveSettings, ServerSettings, SyslogSettings } from "../../settings/server-settings.ts";

const folderName = "ServerConfiguration";

/** Of the administrator until a password was set. */
export const emptyPasswordHash = hashAdminPassword("");

const keepAliveRange = { leastSeconds: 5, mostSeconds: 600, defaultSeconds: 50, defaultPort: 80 } as const;

/**
 * The settings that a document holds.
 *
 * @throws {ConfigFieldError}
 */
export function readServerSettings(document: ConfigDocument): ServerSettings {
  return atOnce(readServerSettingsInSteps(document));
}

/** Like {@link readServerSettings}. */
export function* readServerSettingsInSteps(document: ConfigDocument): Steps<ServerSettings> {
  const { root } = document;
  const reader = new FieldReader(findFolder(root, folderName) ?? emptyFolder(folderName), folderName);
  const hashedPassword = reader.bytes("HashedPassword");
  return {
    listeners: listenersOf(document),
    hubs: yield* readHubsInSteps(root),
    localBridges: readLocalBridges(root),
    hashedPassword: hashedPassword.length === emptyPasswordHash.length ? hashedPassword : emptyPasswordHash,
    access: readServerAccess(reader),
    cipherName: reader.text("CipherName"),
    keepAlive: readKeepAlive(reader),
    syslog: readSyslog(reader.folder("SyslogSettings")),
    identity: readIdentity(findFolder(root, folderName)),
  };
}

/** The document with new settings; what is the same object in the former ones is left as it is. */
export function withServerSettings(
  document: ConfigDocument,
  settings: ServerSettings,
  former: ServerSettings | undefined,
  unixNow: number,
): ConfigDocument {
  return atOnce(withServerSettingsInSteps(document, settings, former, unixNow));
}

/** Like {@link withServerSettings}. */
export function* withServerSettingsInSteps(
  document: ConfigDocument,
  settings: ServerSettings,
  former: ServerSettings | undefined,
  unixNow: number,
): Steps<ConfigDocument> {
  let changed = document;
  if (settings.listeners !== former?.listeners) changed = withListeners(changed, settings.listeners);
  let { root } = changed;
  if (settings.hubs !== former?.hubs) {
    root = yield* writeHubsInSteps(root, settings.hubs, former?.hubs ?? [], unixNow);
  }
  if (settings.localBridges !== former?.localBridges) root = writeLocalBridges(root, settings.localBridges);
  const { hashedPassword, cipherName, keepAlive, syslog, identity } = settings;
  root = withChild(
    root,
    withFields(findFolder(root, folderName) ?? emptyFolder(folderName), {
      ...(hashedPassword !== former?.hashedPassword && { HashedPassword: fields.bytes(hashedPassword) }),
      ...(cipherName !== former?.cipherName && { CipherName: fields.text(cipherName) }),
      ...(keepAlive !== former?.keepAlive && {
        UseKeepConnect: fields.bool(keepAlive.enabled),
        KeepConnectHost: fields.text(keepAlive.host),
        KeepConnectPort: fields.uint(keepAlive.port),
        KeepConnectProtocol: fields.uint(keepAlive.protocol === "udp" ? 1 : 0),
        KeepConnectInterval: fields.uint(keepAlive.intervalSeconds),
      }),
      ...(syslog !== former?.syslog && {
        SyslogSettings: withFields(emptyFolder("SyslogSettings"), {
          SaveType: fields.uint(syslog.saveType),
          HostName: fields.text(syslog.host),
          Port: fields.uint(syslog.port),
        }),
      }),
      ...(identity !== former?.identity && identityFields(identity)),
    }),
  );
  return { ...changed, root };
}

/** With the bounds and defaults of the official server (`Cedar/Server.c` SiLoadServerCfg). */
function readKeepAlive(reader: FieldReader): KeepAliveSettings {
  const { leastSeconds, mostSeconds, defaultSeconds, defaultPort } = keepAliveRange;
  const seconds = reader.uint("KeepConnectInterval") || defaultSeconds;
  return {
    enabled: reader.bool("UseKeepConnect"),
    host: reader.text("KeepConnectHost"),
    port: portOf(reader, "KeepConnectPort") || defaultPort,
    protocol: reader.uint("KeepConnectProtocol", 1) === 0 ? "tcp" : "udp",
    intervalSeconds: Math.min(Math.max(seconds, leastSeconds), mostSeconds),
  };
}

function readSyslog(reader: FieldReader | undefined): SyslogSettings {
  const saveType = reader?.uint("SaveType") ?? 0;
  return {
    saveType: saveType > 3 ? 0 : (saveType as SyslogSettings["saveType"]),
    host: reader?.text("HostName") ?? "",
    port: reader === undefined ? 0 : portOf(reader, "Port"),
  };
}

/** 0 for none, and for a number that is no port: nothing can be sent there. */
function portOf(reader: FieldReader, name: string): number {
  const port = reader.uint(name);
  return port <= 0xffff ? port : 0;
}
