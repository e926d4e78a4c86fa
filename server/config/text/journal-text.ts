import { crc32 } from "node:zlib";
import type { ConfigChange } from "./config-change.ts";
import type { ConfigFolder, ConfigItem, ConfigNode } from "./config-node.ts";
import { TextFolder } from "./text-folder.ts";

/**
 * The journal of a configuration: changes that are on the disk and not in `vpn_server.config` itself yet. Lines of text, each
 * closed by LF:
 *
 *     vpnserver-journal 1 <SHA-256 of the configuration that it belongs to>
 *     <checksum> <bytes of what follows> {"changes":[["put",["VirtualHUB","DEFAULT"],["bool","Online","false"]], ...]}
 *     <checksum> <bytes of what follows> {"folded":"<SHA-256>"}
 *
 * A line of changes is taken as a whole or not at all. The checksum is the CRC-32 of the JSON, 8 hexadecimal digits, begun
 * with that of the line before, so that only the lines of this journal in this order fit. `folded` comes before a
 * configuration is written that holds all the changes up to there: a crash between the two loses nothing, whichever of both
 * files is found. Zeros may follow, over which the next lines are written.
 */
export type JournalRecord = { readonly changes: readonly ConfigChange[] } | { readonly folded: string };

export interface Journal {
  /** SHA-256 in hexadecimal. */
  readonly base: string;
  readonly records: readonly JournalRecord[];
  /** Length of what can be read. */
  readonly validBytes: number;
  /** Of the last record that can be read. */
  readonly checksum: number;
  /**
   * More than the last record cannot be read. A crash cuts off only a record that nobody was told of; this is something else,
   * and what was told to be on the disk may be lost.
   */
  readonly isDamaged: boolean;
}

const magic = "vpnserver-journal 1";
const newline = 0x0a;
const headerBytes = magic.length + " ".length + 64 + "\n".length;

/** The first line of a journal. */
export function encodeJournalHeader(base: string): Buffer {
  return Buffer.from(`${magic} ${base}\n`);
}

/** The checksum that a first record is begun with. */
export function journalSeed(base: string): number {
  return crc32(base);
}

/** Whether a record's line is longer, more or less. Looks at no more than it needs for that, and into nothing that is kept as text. */
export function isLongerThan(record: JournalRecord, bytes: number): boolean {
  if ("folded" in record) return false;
  let left = bytes;
  const count = (node: ConfigNode): void => {
    if (left < 0) return;
    if (node.kind === "comment") left -= node.text.length;
    else if (node instanceof TextFolder) left -= node.bytes;
    else {
      left -= node.name.length;
      if (node.kind === "item") left -= node.value.length;
      else for (const child of node.children) count(child);
    }
  };
  for (const change of record.changes) if ("put" in change) count(change.put);
  return left < 0;
}

/** A record's line, and its checksum. */
export function encodeJournalRecord(
  record: JournalRecord,
  former: number,
): { line: Buffer; checksum: number } {
  const json = Buffer.from(
    JSON.stringify("folded" in record ? record : { changes: record.changes.map(packed) }),
  );
  const checksum = crc32(json, former);
  const head = `${checksum.toString(16).padStart(8, "0")} ${json.length} `;
  return { line: Buffer.concat([Buffer.from(head), json, Buffer.of(newline)]), checksum };
}

/** Reads a journal as far as it can be read; undefined when its first line was not finished. Throws nothing. */
export function parseJournal(file: Buffer): Journal | undefined {
  const bytes = withoutZeros(file);
  const headEnd = bytes.indexOf(newline);
  const base = /^vpnserver-journal 1 ([0-9a-f]{64})$/.exec(
    bytes.toString("latin1", 0, Math.max(headEnd, 0)),
  )?.[1];
  if (base === undefined) {
    if (headEnd === -1 && bytes.length <= headerBytes) return undefined;
    return { base: "", records: [], validBytes: 0, checksum: 0, isDamaged: true };
  }
  const records: JournalRecord[] = [];
  let validBytes = headEnd + 1;
  let checksum = journalSeed(base);
  for (;;) {
    const end = bytes.indexOf(newline, validBytes);
    if (end === -1) return { base, records, validBytes, checksum, isDamaged: false };
    const line = bytes.subarray(validBytes, end);
    const read = parseRecord(line, checksum);
    if (read === undefined) {
      // Two records in one line are told apart by what the first says of its length.
      const isDamaged = end + 1 < bytes.length || line.length > saidBytes(line);
      return { base, records, validBytes, checksum, isDamaged };
    }
    records.push(read.record);
    checksum = read.checksum;
    validBytes = end + 1;
  }
}

/** Without the zeros at its end: no line has any. */
function withoutZeros(file: Buffer): Buffer {
  let end = file.length;
  while (end > 0 && file[end - 1] === 0) end--;
  return file.subarray(0, end);
}

const recordHead = /^([0-9a-f]{8}) (\d{1,10}) /;

/** Length of a line as it says itself; without end where it says nothing. */
function saidBytes(line: Buffer): number {
  const [head = "", , length = Infinity] = recordHead.exec(line.toString("latin1", 0, 20)) ?? [];
  return head.length + Number(length);
}

function parseRecord(line: Buffer, former: number): { record: JournalRecord; checksum: number } | undefined {
  const [head, written, length] = recordHead.exec(line.toString("latin1", 0, 20)) ?? [];
  if (head === undefined || written === undefined) return undefined;
  const json = line.subarray(head.length);
  if (json.length !== Number(length)) return undefined;
  const checksum = crc32(json, former);
  if (checksum !== Number.parseInt(written, 16)) return undefined;
  // What has its checksum is what was written here.
  const value = JSON.parse(json.toString()) as { changes: readonly PackedChange[] } | { folded: string };
  return { record: "folded" in value ? value : { changes: value.changes.map(unpacked) }, checksum };
}

/** A node in few words, told apart by how many they are. */
type PackedNode =
  readonly [text: string] | readonly [name: string, children: readonly PackedNode[]] | PackedItem;
type PackedItem = readonly [type: string, name: string, value: string];
type PackedChange =
  | readonly ["put", readonly string[], PackedNode]
  | readonly ["remove", readonly string[], "folder" | "item", string];

function packed(change: ConfigChange): PackedChange {
  return "put" in change
    ? ["put", change.path, packedNode(change.put)]
    : ["remove", change.path, change.remove.kind, change.remove.name];
}

function packedNode(node: ConfigNode): PackedNode {
  switch (node.kind) {
    case "comment":
      return [node.text];
    case "folder":
      return [node.name, node.children.map(packedNode)];
    case "item":
      return [node.type, node.name, node.value];
  }
}

function unpacked(change: PackedChange): ConfigChange {
  if (change[0] === "remove") {
    const [, path, kind, name] = change;
    return { path, remove: { kind, name } };
  }
  const [, path, node] = change;
  return { path, put: unpackedNode(node) as ConfigFolder | ConfigItem };
}

function unpackedNode(node: PackedNode): ConfigNode {
  if (node.length === 1) return { kind: "comment", text: node[0] };
  if (node.length === 2) return { kind: "folder", name: node[0], children: node[1].map(unpackedNode) };
  return { kind: "item", type: node[0], name: node[1], value: node[2] };
}
