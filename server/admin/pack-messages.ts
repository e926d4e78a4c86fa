import { rpcLimits } from "../limits.ts";
import { addAddresses, readAddress } from "../wire/pack-address.ts";
import { decodeTime, encodeTime } from "../wire/pack-time.ts";
import type { Pack } from "../wire/pack.ts";
import type { Fields, ItemFields, MessageOf, ScalarKind, ScalarValues } from "./fields.ts";
import { RpcError } from "./rpc.ts";

type Scalar = ScalarValues[ScalarKind];
type Item = Readonly<Record<string, Scalar>>;

/** Adds a message's fields to a PACK. A list without items has no elements, and neither have empty bytes. */
export function encodeMessage<F extends Fields>(pack: Pack, fields: F, message: MessageOf<F>): Pack {
  for (const [name, field] of Object.entries(fields)) {
    const value = message[name];
    if (field.type === "scalar") {
      // The official server leaves empty bytes out, and its programs know the end of a log file by that.
      if (Buffer.isBuffer(value) && value.length === 0) continue;
      addValues(pack, name, field.kind, [value]);
    } else if (field.type === "values") addValues(pack, name, field.kind, value as readonly Scalar[]);
    else {
      const items = value as readonly Item[];
      for (const [itemName, { kind }] of Object.entries(field.fields)) {
        addValues(
          pack,
          itemName,
          kind,
          items.map((item) => item[itemName]),
        );
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
  const message: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "scalar") message[name] = readValue(pack, name, field.kind, 0);
    else if (field.type === "values") {
      message[name] = Array.from({ length: itemCount(pack, name) }, (_, index) =>
        readValue(pack, name, field.kind, index),
      );
    } else message[name] = readItems(pack, field.fields);
  }
  return message as MessageOf<F>;
}

function readItems(pack: Pack, fields: ItemFields): Item[] {
  const entries = Object.entries(fields);
  const [key] = entries[0] ?? [""];
  return Array.from({ length: itemCount(pack, key) }, (_, index) =>
    Object.fromEntries(entries.map(([name, { kind }]) => [name, readValue(pack, name, kind, index)])),
  );
}

function itemCount(pack: Pack, name: string): number {
  const count = pack.count(name);
  if (count > rpcLimits.items) {
    throw new RpcError("invalidParameter", `${name}: ${count} items; at most ${rpcLimits.items} are allowed`);
  }
  return count;
}

function addValues(pack: Pack, name: string, kind: ScalarKind, values: readonly unknown[]): void {
  if (values.length === 0) return;
  switch (kind) {
    case "u32":
      pack.add(name, { type: "int", values: values as number[] });
      return;
    case "bool":
      pack.add(name, { type: "int", values: (values as boolean[]).map(Number) });
      return;
    case "u64":
      pack.add(name, { type: "int64", values: (values as number[]).map((value) => BigInt(value)) });
      return;
    case "time":
      pack.add(name, {
        type: "int64",
        values: (values as number[]).map((value) => encodeTime(value === 0 ? undefined : value)),
      });
      return;
    case "str":
      pack.add(name, { type: "str", values: values as string[] });
      return;
    case "utf":
      pack.add(name, { type: "unistr", values: values as string[] });
      return;
    case "bin":
      pack.add(name, { type: "data", values: values as Uint8Array[] });
      return;
    case "ip":
      addAddresses(
        pack,
        name,
        (values as string[]).map((address) => address || "0.0.0.0"),
      );
      return;
  }
}

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
    case "bin":
      // A copy: settings must not keep the whole request alive.
      return Buffer.from(pack.data(name, index) ?? []);
    case "ip":
      return readAddress(pack, name, index) ?? "";
  }
}
