import { rpcLimits } from "../limits.ts";
import { atOnce, mapped, type Steps } from "../turns.ts";
import { addAddressesInSteps, readAddress } from "../wire/pack-address.ts";
import { decodeTime, encodeTime } from "../wire/pack-time.ts";
import type { Pack, PackValues } from "../wire/pack.ts";
import type { Fields, ItemFields, MessageOf, ScalarKind, ScalarValues } from "./fields.ts";
import { RpcError } from "./rpc.ts";

type Scalar = ScalarValues[ScalarKind];
type Item = Readonly<Record<string, Scalar>>;

/** Adds a message's fields to a PACK. A list without items has no elements, and neither have empty bytes. */
export function encodeMessage<F extends Fields>(pack: Pack, fields: F, message: MessageOf<F>): Pack {
  return atOnce(encodeMessageInSteps(pack, fields, message));
}

/** Like {@link encodeMessage}. */
export function* encodeMessageInSteps<F extends Fields>(
  pack: Pack,
  fields: F,
  message: MessageOf<F>,
): Steps<Pack> {
  for (const [name, field] of Object.entries(fields)) {
    const value = message[name];
    if (field.type === "scalar") {
      // The official server leaves empty bytes out, and its programs know the end of a log file by that.
      if (Buffer.isBuffer(value) && value.length === 0) continue;
      yield* addValues(pack, name, field.kind, [value], (each) => each as Scalar);
    } else if (field.type === "values") {
      yield* addValues(pack, name, field.kind, value as readonly Scalar[], (each) => each);
    } else {
      for (const [itemName, { kind }] of Object.entries(field.fields)) {
        yield* addValues(pack, itemName, kind, value as readonly Item[], (item) => item[itemName] as Scalar);
      }
    }
  }
  return pack;
}

/**
 * Reads a message out of a PACK. What is not there, or of another type, is zero.
 *
 * @throws {RpcError} invalidParameter for a number that is too large, and for more items than `rpcLimits.items`
 */
export function decodeMessage<F extends Fields>(pack: Pack, fields: F): MessageOf<F> {
  return atOnce(decodeMessageInSteps(pack, fields));
}

/** Like {@link decodeMessage}. */
export function* decodeMessageInSteps<F extends Fields>(pack: Pack, fields: F): Steps<MessageOf<F>> {
  const message: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "scalar") message[name] = readValue(pack, name, field.kind, 0);
    else if (field.type === "values") {
      message[name] = yield* mapped(indices(pack, name), (index) => readValue(pack, name, field.kind, index));
    } else message[name] = yield* readItems(pack, field.fields);
  }
  return message as MessageOf<F>;
}

function* readItems(pack: Pack, fields: ItemFields): Steps<Item[]> {
  const entries = Object.entries(fields);
  const [key] = entries[0] ?? [""];
  return yield* mapped(indices(pack, key), (index) =>
    Object.fromEntries(entries.map(([name, { kind }]) => [name, readValue(pack, name, kind, index)])),
  );
}

/** Of the values of an element. */
function indices(pack: Pack, name: string): Iterable<number> {
  const count = pack.count(name);
  if (count > rpcLimits.items) {
    throw new RpcError("invalidParameter", `${name}: ${count} items; at most ${rpcLimits.items} are allowed`);
  }
  return Array(count).keys();
}

function* addValues<T>(
  pack: Pack,
  name: string,
  kind: ScalarKind,
  holders: readonly T[],
  valueOf: (holder: T) => Scalar,
): Steps<void> {
  if (holders.length === 0) return;
  if (kind === "ip") {
    const addresses = yield* mapped(holders, (holder) => (valueOf(holder) as string) || "0.0.0.0");
    return yield* addAddressesInSteps(pack, name, addresses);
  }
  const { type, toPack } = packForms[kind];
  const values = yield* mapped(holders, (holder) => toPack(valueOf(holder)));
  yield* pack.addInSteps(name, { type, values } as PackValues);
}

/** From which on bytes are a file. */
const fileBytes = 1024 * 1024;

/** How a value of each kind is put into a PACK. */
const packForms: Readonly<
  Record<
    Exclude<ScalarKind, "ip">,
    { readonly type: PackValues["type"]; readonly toPack: (value: Scalar) => unknown }
  >
> = {
  u32: { type: "int", toPack: (value) => value },
  bool: { type: "int", toPack: Number },
  u64: { type: "int64", toPack: (value) => BigInt(value as number) },
  time: { type: "int64", toPack: (value) => encodeTime(value === 0 ? undefined : (value as number)) },
  str: { type: "str", toPack: (value) => value },
  utf: { type: "unistr", toPack: (value) => value },
  bin: { type: "data", toPack: (value) => value },
};

function readValue(pack: Pack, name: string, kind: ScalarKind, index: number): Scalar {
  switch (kind) {
    case "u32":
      return pack.int(name, index);
    case "bool":
      return pack.bool(name, index);
    case "u64": {
      const value = pack.int64(name, index);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw new RpcError("invalidParameter", `${name}: ${value} is too large`);
      }
      return Number(value);
    }
    case "time":
      return decodeTime(pack.int64(name, index)) ?? 0;
    case "str":
      return pack.str(name, index);
    case "utf":
      return pack.uniStr(name, index);
    case "bin": {
      const bytes = pack.data(name, index) ?? new Uint8Array();
      // A copy: settings must not keep the whole request alive. A file is no part of any, and is most of its request.
      const isFile = bytes.length > fileBytes;
      return isFile ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : Buffer.from(bytes);
    }
    case "ip":
      return readAddress(pack, name, index) ?? "";
  }
}
