import { randomBytes } from "node:crypto";
import { createSecureNatSettings } from "../../settings/secure-nat-settings.ts";
import { readSecureNat, writeNatOptions, writeSecureNat } from "./secure-nat-config.ts";
import { byPriority, type AccessRule } from "../../settings/access-rule.ts";
import {
  defaultHubLog,
  defaultHubOptions,
  logTurnovers,
  type GroupSettings,
  type HubLogSettings,
  type HubSettings,
  type PacketLogKind,
  type UserSettings,
} from "../../settings/hub-settings.ts";
import { sortedInSteps } from "../../long-lists.ts";
import { defaultKeptOptions } from "../../settings/kept-options.ts";
import { atOnce, mapped, unitsPerStep, valuesPerStep, type Steps } from "../../turns.ts";
import { hashAdminPassword, hashPassword, sha0Bytes } from "../../wire/sha0.ts";
import { createAccessRule, readAccessRule } from "./access-rule-config.ts";
import { readGroup, readUser, writeGroup, writeUser } from "./account-config.ts";
import { writeAccounts } from "./account-folders.ts";
import { emptyFolder, FieldReader, fields, withFields } from "../text/config-fields.ts";
import {
  accessRuleFolders,
  accountDepth,
  databaseName,
  hubDepth,
  hubEntryDepth,
  findHubFolders,
  foldersInDatabase,
  hubListName,
  type DatabaseListName,
} from "./hub-folders.ts";
import { findFolder, named, withChildren, type ConfigFolder } from "../text/config-node.ts";
import { TextFolder } from "../text/text-folder.ts";
import {
  readRevokedCertificate,
  readSourceAddresses,
  writeRevokedCertificate,
  writeSourceAddress,
} from "./hub-guard-config.ts";
import {
  readAdminOptions,
  readHubOptions,
  readKeptOptions,
  writeAdminOptions,
  writeHubOptions,
} from "./hub-option-config.ts";

const sourceAddressesName = "IPAccessControlList";
const secureNatName = "SecureNAT";

/** What the password of a hub's administrator is hashed with, as if it were a user's. */
const administratorName = "administrator";

/** The hashes that a hub keeps of the password of its administrator. */
export function hashHubPassword(password: string): Pick<HubSettings, "hashedPassword" | "securePassword"> {
  return {
    hashedPassword: Uint8Array.from(hashAdminPassword(password)),
    securePassword: Uint8Array.from(hashPassword(password, administratorName)),
  };
}

/** Of a virtual host: a local address that begins as those of the official server do. */
function randomHostMac(): Uint8Array {
  return Uint8Array.of(0x5e, ...randomBytes(5));
}

/** A hub as it is created: online, without users, its administration password empty. */
export function createHubSettings(name: string): HubSettings {
  return {
    name,
    online: true,
    maxSessions: 0,
    options: defaultHubOptions,
    keptOptions: defaultKeptOptions,
    adminOptions: {},
    message: "",
    ...hashHubPassword(""),
    users: new Map(),
    groups: new Map(),
    accessList: [],
    trustedAuthorities: [],
    revokedCertificates: [],
    sourceAddresses: [],
    log: defaultHubLog,
    secureNat: createSecureNatSettings(randomHostMac()),
  };
}

/** The hubs of a server that has no configuration yet. */
export const defaultHubs: readonly HubSettings[] = [createHubSettings("DEFAULT")];

/**
 * The hubs of a configuration, `declare VirtualHUB { declare NAME { ... } }` in its root, in their order. A configuration
 * without that folder has {@link defaultHubs}. Source: `Cedar/Server.c` SiLoadHubCfg.
 *
 * @throws {ConfigFieldError}
 */
export function readHubs(root: ConfigFolder): readonly HubSettings[] {
  return atOnce(readHubsInSteps(root));
}

/** Like {@link readHubs}. */
export function* readHubsInSteps(root: ConfigFolder): Steps<readonly HubSettings[]> {
  const folders = findHubFolders(root);
  if (folders === undefined) return defaultHubs;
  const hubs = new Map<string, HubSettings>();
  for (const folder of folders) {
    const key = folder.name.toLowerCase();
    if (hubs.has(key)) continue;
    yield;
    hubs.set(key, yield* readHub(folder, `${hubListName}/${folder.name}`));
  }
  return [...hubs.values()];
}

/**
 * `root` with these hubs. What the configuration holds besides is kept: what this version does not know of a hub, user or
 * group, and the whole of those that are the same objects as in `former`.
 *
 * @param former what {@link readHubs} gave for `root`, or the hubs that were written into it last
 * @param now Unix time in milliseconds
 */
export function writeHubs(
  root: ConfigFolder,
  hubs: readonly HubSettings[],
  former: readonly HubSettings[],
  now: number,
): ConfigFolder {
  return atOnce(writeHubsInSteps(root, hubs, former, now));
}

/** Like {@link writeHubs}. */
export function* writeHubsInSteps(
  root: ConfigFolder,
  hubs: readonly HubSettings[],
  former: readonly HubSettings[],
  now: number,
): Steps<ConfigFolder> {
  const folders = new Map(findHubFolders(root)?.map((folder) => [folder.name.toLowerCase(), folder]));
  const formerByName = new Map(former.map((hub) => [hub.name.toLowerCase(), hub]));
  const children: ConfigFolder[] = [];
  for (const hub of hubs) {
    const key = hub.name.toLowerCase();
    const folder = folders.get(key);
    const before = formerByName.get(key);
    if (folder !== undefined && before === hub) children.push(folder);
    else {
      yield;
      const written = yield* writeHub(hub, folder ?? createHubFolder(hub.name, now), folder && before);
      children.push(TextFolder.inList(written, hubs.length, hubDepth));
    }
  }
  return withFields(root, { [hubListName]: withChildren({ name: hubListName }, children) });
}

function* readHub(folder: ConfigFolder, path: string): Steps<HubSettings> {
  const reader = new FieldReader(folder, path);
  const databasePath = `${path}/${databaseName}`;
  const option = findFolder(folder, "Option");
  const optionReader = new FieldReader(option ?? emptyFolder("Option"), `${path}/Option`);
  const noPassword = hashHubPassword("");
  const hash = (name: string, missing: Uint8Array) => {
    const bytes = reader.bytes(name);
    return bytes.length === sha0Bytes ? bytes : missing;
  };
  const list = <T extends { readonly name: string }>(
    name: DatabaseListName,
    read: (folder: ConfigFolder, path: string) => T,
  ) =>
    byName(foldersInDatabase(folder, name), (child) => read(child, `${databasePath}/${name}/${child.name}`));
  return {
    name: folder.name,
    online: reader.bool("Online"),
    maxSessions: optionReader.uint("MaxSession"),
    options: readHubOptions(optionReader),
    keptOptions: readKeptOptions(optionReader),
    adminOptions: readAdminOptions(reader.folder("AdminOption")),
    message: reader.folder("Message")?.text("MessageText") ?? "",
    hashedPassword: hash("HashedPassword", noPassword.hashedPassword),
    securePassword: hash("SecurePassword", noPassword.securePassword),
    users: yield* list("UserList", readUser),
    groups: yield* list("GroupList", readGroup),
    accessList: yield* readAccessList(folder),
    trustedAuthorities: (yield* mapped(foldersInDatabase(folder, "CertList"), (child) =>
      new FieldReader(child, `${databasePath}/CertList/${child.name}`).bytes("X509"),
    )).filter((certificate) => certificate.length > 0),
    revokedCertificates: yield* mapped(foldersInDatabase(folder, "CrlList"), (child) =>
      readRevokedCertificate(child, `${databasePath}/CrlList/${child.name}`),
    ),
    sourceAddresses: readSourceAddresses(
      foldersInDatabase(folder, sourceAddressesName),
      `${databasePath}/${sourceAddressesName}`,
    ),
    log: readLog(reader.folder("LogSetting")),
    secureNat: readSecureNat(
      findFolder(folder, secureNatName) ?? emptyFolder(secureNatName),
      `${path}/${secureNatName}`,
      randomHostMac(),
      optionReader,
    ),
  };
}

/** By name in lower case; of two with one name the first counts. */
function* byName<T extends { readonly name: string }>(
  folders: readonly ConfigFolder[],
  read: (folder: ConfigFolder) => T,
): Steps<ReadonlyMap<string, T>> {
  const values = new Map<string, T>();
  for (const folder of folders) {
    const key = folder.name.toLowerCase();
    if (values.has(key)) continue;
    values.set(key, read(folder));
    if (values.size % valuesPerStep === 0) yield;
  }
  return values;
}

/** The rules of a hub in the order in which they are tried. */
function* readAccessList(hub: ConfigFolder): Steps<readonly AccessRule[]> {
  const inFile = accessRuleFolders(hub);
  const rules = yield* mapped(inFile, (folder) =>
    readAccessRule(folder, `${hubListName}/${hub.name}/AccessList/${folder.name}`),
  );
  const order = yield* sortedInSteps(rules.keys(), (one, other) =>
    byPriority(rules[one] as AccessRule, rules[other] as AccessRule),
  );
  const sorted = yield* mapped(order, (index) => rules[index] as AccessRule, unitsPerStep);
  if (sorted.length > 0) {
    ruleFolders.set(sorted, yield* mapped(order, (index) => inFile[index] as ConfigFolder, unitsPerStep));
  }
  return sorted;
}

/**
 * The folders of the rules of a list that was read or written, in its order: a list of thousands is neither read nor made again where one of
 * them changes, and what this version does not know of a rule stays with it. By list and not by rule, since the engine looks at all
 * entries of a weak map at once.
 */
const ruleFolders = new WeakMap<readonly AccessRule[], readonly ConfigFolder[]>();

const packetLogItems: Readonly<Record<PacketLogKind, string>> = {
  tcpConnection: "PACKET_LOG_TCP_CONN",
  tcp: "PACKET_LOG_TCP",
  dhcp: "PACKET_LOG_DHCP",
  udp: "PACKET_LOG_UDP",
  icmp: "PACKET_LOG_ICMP",
  ip: "PACKET_LOG_IP",
  arp: "PACKET_LOG_ARP",
  ethernet: "PACKET_LOG_ETHERNET",
};
const packetLogEntries = Object.entries(packetLogItems) as readonly [PacketLogKind, string][];

function readLog(reader: FieldReader | undefined): HubLogSettings {
  if (reader === undefined) return defaultHubLog;
  const levels = packetLogEntries.map(([kind, item]) => [kind, Math.min(reader.uint(item), 2)]);
  return {
    saveSecurityLog: reader.bool("SaveSecurityLog"),
    savePacketLog: reader.bool("SavePacketLog"),
    securityLogTurnover: logTurnovers[reader.uint("SecurityLogSwitchType")] ?? "none",
    packetLogTurnover: logTurnovers[reader.uint("PacketLogSwitchType")] ?? "none",
    packetLog: Object.fromEntries(levels) as HubLogSettings["packetLog"],
  };
}

/** What a new hub has besides its settings. */
function createHubFolder(name: string, now: number): ConfigFolder {
  return withFields(emptyFolder(name), {
    CreatedTime: fields.time(now),
    LastCommTime: fields.time(now),
    LastLoginTime: fields.time(now),
    NumLogin: fields.uint(0),
    Type: fields.uint(0),
  });
}

/** What is the same as before stays as it is in the folder. */
function* writeHub(
  hub: HubSettings,
  folder: ConfigFolder,
  former: HubSettings | undefined,
): Steps<ConfigFolder> {
  const child = (name: string) => findFolder(folder, name) ?? emptyFolder(name);
  const isNew = (...names: readonly (keyof HubSettings)[]) =>
    names.some((name) => hub[name] !== former?.[name]);
  return withFields(folder, {
    HashedPassword: fields.bytes(hub.hashedPassword),
    SecurePassword: fields.bytes(hub.securePassword),
    Online: fields.bool(hub.online),
    ...(isNew("adminOptions") && {
      AdminOption: writeAdminOptions(hub.adminOptions, findFolder(folder, "AdminOption")),
    }),
    ...(isNew("accessList") && { AccessList: yield* writeAccessList(hub.accessList, former?.accessList) }),
    ...(isNew("log") && { LogSetting: writeLog(hub.log, child("LogSetting")) }),
    ...(isNew("secureNat") && { [secureNatName]: writeSecureNat(hub.secureNat, child(secureNatName)) }),
    ...(isNew("message") && {
      Message: withFields(child("Message"), {
        MessageText: hub.message === "" ? undefined : fields.text(hub.message),
      }),
    }),
    ...(isNew("maxSessions", "options", "keptOptions", "secureNat") && {
      Option: withFields(child("Option"), {
        MaxSession: fields.uint(hub.maxSessions),
        ...writeHubOptions(hub.options, hub.keptOptions),
        ...writeNatOptions(hub.secureNat),
      }),
    }),
    [databaseName]: yield* writeDatabase(hub, child(databaseName), former),
  });
}

function writeLog(log: HubLogSettings, folder: ConfigFolder): ConfigFolder {
  return withFields(folder, {
    SavePacketLog: fields.bool(log.savePacketLog),
    SaveSecurityLog: fields.bool(log.saveSecurityLog),
    PacketLogSwitchType: fields.uint(logTurnovers.indexOf(log.packetLogTurnover)),
    SecurityLogSwitchType: fields.uint(logTurnovers.indexOf(log.securityLogTurnover)),
    ...Object.fromEntries(packetLogEntries.map(([kind, item]) => [item, fields.uint(log.packetLog[kind])])),
  });
}

/** The numbers that name the folders count from 1. */
function* writeAccessList(
  rules: readonly AccessRule[],
  former: readonly AccessRule[] = [],
): Steps<ConfigFolder> {
  const formerFolders = ruleFolders.get(former) ?? [];
  const known = new Map<AccessRule, ConfigFolder>();
  for (const [index, folder] of formerFolders.entries()) {
    known.set(former[index] as AccessRule, folder);
    if (known.size % unitsPerStep === 0) yield;
  }
  const children = yield* mapped(rules, (rule, index) => {
    const [name, folder] = [String(index + 1), known.get(rule)];
    if (folder !== undefined) return named(folder, name);
    return TextFolder.inList(createAccessRule(rule, name), rules.length, hubEntryDepth);
  });
  if (rules.length > 0) ruleFolders.set(rules, children);
  return withChildren({ name: "AccessList" }, children);
}

function* writeDatabase(
  hub: HubSettings,
  folder: ConfigFolder,
  former: HubSettings | undefined,
): Steps<ConfigFolder> {
  const child = (name: string) => findFolder(folder, name) ?? emptyFolder(name);
  return withFields(folder, {
    ...(hub.trustedAuthorities !== former?.trustedAuthorities && {
      CertList: yield* numberedFolders("CertList", hub.trustedAuthorities, (certificate, index) =>
        withFields(emptyFolder(`Cert${index}`), { X509: fields.bytes(certificate) }),
      ),
    }),
    ...(hub.revokedCertificates !== former?.revokedCertificates && {
      CrlList: yield* numberedFolders("CrlList", hub.revokedCertificates, (revoked, index) =>
        writeRevokedCertificate(revoked, `Crl${index}`),
      ),
    }),
    ...(hub.sourceAddresses !== former?.sourceAddresses && {
      [sourceAddressesName]: yield* numberedFolders(sourceAddressesName, hub.sourceAddresses, (rule, index) =>
        writeSourceAddress(rule, `Acl${index + 1}`),
      ),
    }),
    GroupList: yield* writeAccounts<GroupSettings>(
      child("GroupList"),
      hub.groups,
      former?.groups,
      writeGroup,
    ),
    UserList: yield* writeAccounts<UserSettings>(child("UserList"), hub.users, former?.users, writeUser),
  });
}

function* numberedFolders<T>(
  name: string,
  values: readonly T[],
  write: (value: T, index: number) => ConfigFolder,
): Steps<ConfigFolder> {
  const entry = (value: T, index: number) =>
    TextFolder.inList(write(value, index), values.length, accountDepth);
  return withChildren({ name }, yield* mapped(values, entry));
}
