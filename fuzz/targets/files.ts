import assert from "node:assert/strict";
import { ServerError } from "../../server/errors.ts";
import { changesBetween, ConfigChangeError, withChanges } from "../../server/config/text/config-change.ts";
import { emptyDocument } from "../../server/config/text/config-document.ts";
import { ConfigFieldError } from "../../server/config/text/config-fields.ts";
import { formatConfig } from "../../server/config/text/config-format.ts";
import { ConfigSyntaxError } from "../../server/config/text/config-lines.ts";
import { parseConfig } from "../../server/config/text/config-text.ts";
import {
  encodeJournalHeader,
  encodeJournalRecord,
  journalSeed,
  parseJournal,
} from "../../server/config/text/journal-text.ts";
import { createHubSettings } from "../../server/config/sections/hub-config.ts";
import {
  readServerSettings,
  withServerSettings,
} from "../../server/config/sections/server-settings-config.ts";
import { checkDesiredState } from "../../server/desired/desired-state.ts";
import { parseServerStatus } from "../../server/contract/server-status.ts";
import { MalformedJsonError } from "../../server/contract/json-reader.ts";
import { LaterFormatError } from "../../server/contract/json-format.ts";
import type { FuzzTarget } from "../fuzzer.ts";

/** What `work` gives, or undefined for one of the errors that it may end with. */
export function unless<Value>(errors: readonly (new (...args: never[]) => Error)[], work: () => Value) {
  try {
    return work();
  } catch (error) {
    if (errors.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

function documentOf(...hubs: string[]) {
  const settings = readServerSettings(emptyDocument);
  const own = { ...settings, hubs: hubs.map(createHubSettings) };
  return withServerSettings(emptyDocument, own, undefined, 0);
}

export const configText: FuzzTarget = {
  about: "vpn_server.config: its text, and the settings in it",
  mostBytes: 16_384,
  seeds: () => [formatConfig(documentOf("DEFAULT")), formatConfig(documentOf())],
  run: (input) => {
    const document = unless([ConfigSyntaxError], () => parseConfig(input));
    if (document === undefined) return;
    const text = formatConfig(document);
    assert.deepEqual(formatConfig(parseConfig(text)), text);
    unless([ConfigFieldError], () => readServerSettings(document));
  },
};

const base = "0".repeat(64);
const document = documentOf("DEFAULT");

export const journal: FuzzTarget = {
  about: "the journal of the configuration, and what its changes make of a file",
  seeds: () => {
    let checksum = journalSeed(base);
    const lines = [encodeJournalHeader(base)];
    for (const record of [
      { changes: changesBetween(documentOf("DEFAULT"), documentOf("OTHER")) ?? [] },
      { folded: base },
    ]) {
      const encoded = encodeJournalRecord(record, checksum);
      checksum = encoded.checksum;
      lines.push(encoded.line);
    }
    return [Buffer.concat(lines)];
  },
  run: (input) => {
    const journal = parseJournal(input);
    if (journal === undefined) return;
    assert.ok(journal.validBytes <= input.length);
    for (const record of journal.records) {
      if ("changes" in record) unless([ConfigChangeError], () => withChanges(document, record.changes));
    }
  },
};

/** What JSON.parse makes of an input; undefined for what is none. */
export function jsonOf(input: Buffer): unknown {
  return unless([SyntaxError], () => JSON.parse(input.toString()) as unknown);
}

const desired = {
  adminPassword: "secret",
  hubs: [
    {
      name: "OFFICE",
      message: "Hello",
      users: [{ name: "alice", password: "secret", policy: { MaxConnection: 8 } }],
      groups: [{ name: "staff" }],
      accessList: [{ action: "discard", source: "10.0.0.0/8", protocol: "tcp", destinationPorts: "80-90" }],
      secureNat: { enabled: true },
    },
  ],
};

export const desiredState: FuzzTarget = {
  about: "the desired state that `apply` takes",
  mostBytes: 4_096,
  seeds: () => [Buffer.from(JSON.stringify(desired)), Buffer.from('{"hubs":[]}')],
  run: (input) => {
    const value = jsonOf(input);
    if (value === undefined) return;
    const { problems } = checkDesiredState(value);
    for (const problem of problems) assert.equal(typeof problem, "string");
  },
};

export const statusJson: FuzzTarget = {
  about: "the JSON of `status`, as components read it of another release",
  seeds: () => [
    Buffer.from('{"format":1,"version":"1","running":false,"stateDirectory":"/a"}'),
    Buffer.from(
      '{"format":1,"version":"1","running":true,"release":null,"executable":"/a","stateDirectory":"/a","supervisor":{"pid":1},' +
        '"worker":{"pid":1,"restarts":0},"startedAt":"","listeners":[],"tlsFingerprint":"","hubs":[{"name":"A","online":true,"sessions":0}],' +
        '"sessions":0,"warnings":[],"restrictions":[],"notServed":[]}',
    ),
  ],
  run: (input) => {
    const value = jsonOf(input);
    unless([MalformedJsonError, LaterFormatError, ServerError], () => parseServerStatus(value));
  },
};
