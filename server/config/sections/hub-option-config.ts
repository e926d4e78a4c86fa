import { adminOptionNames, type AdminOptions } from "../../settings/admin-options.ts";
import { defaultHubOptions, type HubOptions } from "../../settings/hub-settings.ts";
import { defaultKeptOptions, type KeptOptions } from "../../settings/kept-options.ts";
import { emptyFolder, fields, withFields, type Field, type FieldReader } from "../text/config-fields.ts";
import type { ConfigFolder } from "../text/config-node.ts";

/** What an option is that a file does not have, where that is not what a new hub has. */
const missingOptions: HubOptions = { ...defaultHubOptions, NoIPv6DefaultRouterInRAWhenIPv6: false };

const optionNames = Object.keys(defaultHubOptions) as readonly (keyof HubOptions)[];
const keptOptionNames = Object.keys(defaultKeptOptions) as readonly (keyof KeptOptions)[];

/** Names in the file that are not those of the administration. */
const keptItemNames: Readonly<Partial<Record<keyof KeptOptions, string>>> = {
  NoAddressPollingIPv4: "NoArpPolling",
  NoAddressPollingIPv6: "NoIPv6AddrPolling",
};

/** Written as text: `0x8100`. */
const vlanTypeName = "VlanTypeId";

/** Numbers that stand for their default when they are 0. */
const neverZero: ReadonlySet<string> = new Set(["AccessListIncludeFileCacheLifetime"]);

/** Written only where it is true. */
const rarelyWritten = "FixForDLinkBPDU";

/** From the folder `Option`. Source: `Cedar/Server.c` SiLoadHubOptionCfg. */
export function readHubOptions(reader: FieldReader): HubOptions {
  const entries = optionNames.map((name) => [name, readOption(reader, name, missingOptions[name])]);
  return { ...missingOptions, ...(Object.fromEntries(entries) as Partial<HubOptions>) };
}

/** From the folder `Option`. */
export function readKeptOptions(reader: FieldReader): KeptOptions {
  const entries = keptOptionNames.map((name) => {
    const missing = defaultKeptOptions[name];
    if (name === vlanTypeName) return [name, parseVlanType(reader.text(name)) || missing];
    const value = readOption(reader, keptItemNames[name] ?? name, missing);
    return [name, value === 0 && neverZero.has(name) ? missing : value];
  });
  return Object.fromEntries(entries) as KeptOptions;
}

/** The items of the folder `Option`. */
export function writeHubOptions(options: HubOptions, kept: KeptOptions): Record<string, Field | undefined> {
  return {
    ...Object.fromEntries(optionNames.map((name) => [name, fieldOf(options[name])])),
    ...Object.fromEntries(
      keptOptionNames.map((name) => [keptItemNames[name] ?? name, keptFieldOf(name, kept[name])]),
    ),
  };
}

/** From the folder `AdminOption`. Source: `Cedar/Server.c` SiLoadHubAdminOptions. */
export function readAdminOptions(reader: FieldReader | undefined): AdminOptions {
  if (reader === undefined) return {};
  return Object.fromEntries(
    adminOptionNames.map((name) => [name, reader.uint(name)] as const).filter(([, value]) => value !== 0),
  );
}

/** The folder `AdminOption`. What is not limited is left out, and the folder where it is empty, unless it was there before. */
export function writeAdminOptions(
  options: AdminOptions,
  former: ConfigFolder | undefined,
): ConfigFolder | undefined {
  const names = new Set(former?.children.map((child) => (child.kind === "comment" ? undefined : child.name)));
  const written = adminOptionNames.filter((name) => options[name] !== undefined || names.has(name));
  if (former === undefined && written.length === 0) return undefined;
  return withFields(
    former ?? emptyFolder("AdminOption"),
    Object.fromEntries(written.map((name) => [name, fields.uint(options[name] ?? 0)])),
  );
}

function keptFieldOf(name: string, value: boolean | number): Field | undefined {
  if (name === vlanTypeName) return fields.text(`0x${value.toString(16)}`);
  return name === rarelyWritten && value === false ? undefined : fieldOf(value);
}

function readOption(reader: FieldReader, name: string, missing: boolean | number): boolean | number {
  return typeof missing === "boolean" ? reader.bool(name, missing) : reader.uint(name, missing);
}

function fieldOf(value: boolean | number): Field {
  return typeof value === "boolean" ? fields.bool(value) : fields.uint(value);
}

/** 0 for what is no number. */
function parseVlanType(text: string): number {
  return /^(0x)?[0-9a-f]{1,8}$/i.test(text) ? parseInt(text, 16) : 0;
}
