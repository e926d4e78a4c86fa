/**
 * How the messages of the administration are described: once, for PACK, for JSON, for checks and for the reference page. A
 * message is a struct of named fields; request and reply of a method have the same ones.
 *
 *     kind   value      PACK                              JSON suffix
 *     u32    number     INT                               _u32
 *     u64    number     INT64; up to 2^53 - 1             _u64
 *     bool   boolean    INT, 0 or 1                       _bool
 *     time   number     INT64; Unix ms, 0 for none        _dt
 *     str    string     STR                               _str
 *     utf    string     UNISTR                            _utf
 *     bin    Buffer     DATA                              _bin, base64
 *     ip     string     four elements (`addAddress`)      _ip
 *
 * Source: `Cedar/Admin.c` InRpc…, OutRpc…; `Mayaqua/Pack.c` PackToJson.
 */
export interface ScalarValues {
  u32: number;
  u64: number;
  bool: boolean;
  time: number;
  str: string;
  utf: string;
  bin: Buffer;
  /** An IPv4 or IPv6 address; empty for none, which travels as 0.0.0.0. */
  ip: string;
}

export type ScalarKind = keyof ScalarValues;

/** A field with one value. */
export interface ScalarField<Kind extends ScalarKind = ScalarKind> {
  readonly type: "scalar";
  readonly kind: Kind;
  /** Holds a password or its hash, or a private key: no log and no echo of a request shows it. */
  readonly secret?: boolean;
}

/** A field with any number of values of one kind. */
export interface ValuesField<Kind extends ScalarKind = ScalarKind> {
  readonly type: "values";
  readonly kind: Kind;
}

/**
 * Any number of items that are structs themselves. In PACK each field of the items is an element with one value per item, and
 * the first field's element tells their number; in JSON it is an array of objects under the field's name.
 */
export interface ListField<Fields extends ItemFields = ItemFields> {
  readonly type: "list";
  readonly fields: Fields;
}

export type ItemFields = Readonly<Record<string, ScalarField>>;
export type Field = ScalarField | ValuesField | ListField;
export type Fields = Readonly<Record<string, Field>>;

export type ItemOf<F extends ItemFields> = { -readonly [Name in keyof F]: ScalarValues[F[Name]["kind"]] };

type ValueOf<F extends Field> =
  F extends ScalarField<infer Kind>
    ? ScalarValues[Kind]
    : F extends ValuesField<infer Kind>
      ? ScalarValues[Kind][]
      : F extends ListField<infer Items>
        ? ItemOf<Items>[]
        : never;

/** The value of a message with these fields: every field is there, a missing one as its zero value. */
export type MessageOf<F extends Fields> = { -readonly [Name in keyof F]: ValueOf<F[Name]> };

const scalar = <Kind extends ScalarKind>(kind: Kind): ScalarField<Kind> => ({ type: "scalar", kind });

export const u32 = scalar("u32");
export const u64 = scalar("u64");
export const bool = scalar("bool");
export const time = scalar("time");
export const str = scalar("str");
export const utf = scalar("utf");
export const bin = scalar("bin");
export const ip = scalar("ip");

/** The field, with a value that stays out of logs and echoes. */
export function secret<Kind extends ScalarKind>(field: ScalarField<Kind>): ScalarField<Kind> {
  return { ...field, secret: true };
}

export function values<Kind extends ScalarKind>({ kind }: ScalarField<Kind>): ValuesField<Kind> {
  return { type: "values", kind };
}

export function list<const F extends ItemFields>(fields: F): ListField<F> {
  return { type: "list", fields };
}
