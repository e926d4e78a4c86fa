/**
 * Property values, and their form on the wire.
 *
 * On the wire a value is JSON in which an object may carry a signature that makes it a secret, an asset and so on, and
 * in which some fixed strings stand for values that are not known yet (Pulumi, `sdk/proto`, property values).
 */

/** One value, with what is known about it. */
export interface Value {
  readonly data: Data;
  /** To be kept encrypted. */
  readonly secret: boolean;
  /** Not known before the deployment; {@link data} is then of no meaning. */
  readonly unknown: boolean;
}

export type Data = null | boolean | number | string | readonly Value[] | ValueMap | Asset | Archive;

export type ValueMap = ReadonlyMap<string, Value>;

/** A file: a path of this machine, a text, or an address. */
export class Asset {
  readonly fields: SourceFields;

  constructor(fields: SourceFields) {
    this.fields = fields;
  }
}

/** A folder or an archive file: a path of this machine, an address, or assets by name. */
export class Archive {
  readonly fields: SourceFields;

  constructor(fields: SourceFields) {
    this.fields = fields;
  }
}

/** An asset or archive as on the wire, without its signature. */
export interface SourceFields {
  readonly hash?: string;
  readonly path?: string;
  readonly text?: string;
  readonly uri?: string;
  readonly [key: string]: unknown;
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";
const archiveSignature = "0def7320c3a5731c473e5ecbe6d01bc7";

/** What stands for an unknown value: a string, boolean, number, array, asset, archive and object. */
const unknownStrings = [
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
];

export const unknownValue: Value = { data: null, secret: false, unknown: true };

/** A value that is known and no secret. */
export function plain(data: Data): Value {
  return { data, secret: false, unknown: false };
}

/** Reads the properties of a request. Nulls in objects are left out, as the official program does. */
export function decodeProperties(wire: Readonly<Record<string, unknown>>): ValueMap {
  const map = new Map<string, Value>();
  for (const [key, field] of Object.entries(wire)) {
    if (field !== null && field !== undefined) map.set(key, decode(field));
  }
  return map;
}

function decode(wire: unknown): Value {
  if (typeof wire === "string") return unknownStrings.includes(wire) ? unknownValue : plain(wire);
  if (wire === null || typeof wire === "boolean" || typeof wire === "number") return plain(wire);
  if (Array.isArray(wire)) return plain(wire.map(decode));
  const { [signatureKey]: signature, ...fields } = wire as Record<string, unknown>;
  switch (signature) {
    case secretSignature:
      return { ...decode(fields.value ?? null), secret: true };
    case outputSignature:
      return "value" in fields
        ? { ...decode(fields.value), secret: fields.secret === true }
        : { ...unknownValue, secret: fields.secret === true };
    case assetSignature:
      return plain(new Asset(fields));
    case archiveSignature:
      return plain(new Archive(fields));
    default:
      // Without a signature, or with one that is only passed on, such as that of a reference to a resource.
      return plain(decodeProperties(wire as Record<string, unknown>));
  }
}

/** Writes properties for an answer. */
export function encodeProperties(properties: ValueMap): Record<string, unknown> {
  return Object.fromEntries(Array.from(properties, ([key, value]) => [key, encode(value)]));
}

function encode(value: Value): unknown {
  const inner = value.unknown ? unknownStrings[0] : encodeData(value.data);
  return value.secret ? { [signatureKey]: secretSignature, value: inner } : inner;
}

function encodeData(data: Data): unknown {
  if (data instanceof Asset) return { [signatureKey]: assetSignature, ...data.fields };
  if (data instanceof Archive) return { [signatureKey]: archiveSignature, ...data.fields };
  if (isList(data)) return data.map(encode);
  if (isMap(data)) return encodeProperties(data);
  return data;
}

export function isList(data: Data): data is readonly Value[] {
  return Array.isArray(data);
}

export function isMap(data: Data): data is ValueMap {
  return data instanceof Map;
}

/** Whether two values are the same, secrecy and being unknown included. Assets are compared by their hash. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.secret !== b.secret || a.unknown !== b.unknown) return false;
  return a.unknown || equalData(a.data, b.data);
}

function equalData(a: Data, b: Data): boolean {
  if (a instanceof Asset) return b instanceof Asset && sameHash(a, b);
  if (a instanceof Archive) return b instanceof Archive && sameHash(a, b);
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((element, index) => equal(element, b[index]));
  }
  if (isMap(a)) {
    return isMap(b) && a.size === b.size && [...a].every(([key, value]) => equal(value, b.get(key)));
  }
  return a === b;
}

function sameHash(a: Asset | Archive, b: Asset | Archive): boolean {
  return a.fields.hash !== undefined && a.fields.hash === b.fields.hash;
}
