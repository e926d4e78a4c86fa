/** Property values as they travel between the engine and a plugin: JSON in which some objects carry a signature. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Properties = Record<string, Json>;

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";
const archiveSignature = "0def7320c3a5731c473e5ecbe6d01bc7";

/** What the engine sends for a value that is not known before the deployment. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A value that the engine keeps encrypted. */
export function secret(value: Json): Json {
  return { [signatureKey]: secretSignature, value };
}

/** A file of this machine; the hash is the engine's business and only compared by plugins. */
export function fileAsset(path: string, hash: string): Json {
  return { [signatureKey]: assetSignature, path, hash };
}

/** A text as a file. */
export function textAsset(text: string, hash: string): Json {
  return { [signatureKey]: assetSignature, text, hash };
}

/** A file at an address. */
export function remoteAsset(uri: string, hash: string): Json {
  return { [signatureKey]: assetSignature, uri, hash };
}

/** A folder, or an archive file, of this machine. */
export function fileArchive(path: string, hash: string): Json {
  return { [signatureKey]: archiveSignature, path, hash };
}

/** An archive put together from assets. */
export function assetArchive(assets: Properties, hash: string): Json {
  return { [signatureKey]: archiveSignature, assets, hash };
}

/**
 * The same value in the one form that tests compare: `{ $secret }` and `{ $unknown: true }` whatever way they were
 * written in, assets without their empty fields.
 */
export function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === unknown) return { $unknown: true };
  if (value === null || typeof value !== "object") return value;
  const { [signatureKey]: signature, ...rest } = value;
  switch (signature as string | undefined) {
    case secretSignature:
      return { $secret: canonical(rest.value ?? null) };
    case outputSignature: {
      const inner: Json = "value" in rest ? canonical(rest.value ?? null) : { $unknown: true };
      return rest.secret === true ? { $secret: inner } : inner;
    }
    case assetSignature:
    case archiveSignature:
      return {
        [signature === assetSignature ? "$asset" : "$archive"]: Object.fromEntries(
          Object.entries(rest)
            .filter(([, field]) => !isEmpty(field))
            .map(([key, field]) => [key, canonical(field)]),
        ),
      };
    case undefined:
      return Object.fromEntries(Object.entries(rest).map(([key, field]) => [key, canonical(field)]));
    default:
      throw new Error(`a value has the unknown signature ${JSON.stringify(signature)}`);
  }
}

function isEmpty(field: Json): boolean {
  return field === "" || field === null || (typeof field === "object" && Object.keys(field).length === 0);
}
