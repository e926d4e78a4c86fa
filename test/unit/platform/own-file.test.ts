import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { AdminAddressFile, readAdminAddresses } from "../../../server/access/admin-addresses.ts";
import { backupDirectoryOf, writeBackup } from "../../../server/config/disk/config-backups.ts";
import { readServerConfig, writeServerConfig } from "../../../server/config/disk/config-file.ts";
import { journalFileOf } from "../../../server/config/disk/config-reader.ts";
import { JournalFile } from "../../../server/config/disk/journal-file.ts";
import { readAppliedRecord, writeAppliedRecord } from "../../../server/desired/applied-record.ts";
import { readForwardingRecord, writeForwardingRecord } from "../../../server/host-nat/forwarding-record.ts";
import { loadOrCreateCertificate } from "../../../server/identity/certificate.ts";
import { layoutOf } from "../../../server/install/layout.ts";
import { installedMode, readManifest } from "../../../server/install/manifest.ts";
import { ReleaseStore, sha256OfFile } from "../../../server/install/releases.ts";
import { importRecordFile, readImportRecord } from "../../../server/install/takeover/record.ts";
import { logDisk } from "../../../server/logs/log-disk.ts";
import { InstanceLock } from "../../../server/platform/instance-lock.ts";
import {
  openOwnFile,
  openOwnFileSync,
  readOwnFile,
  readOwnFileSync,
} from "../../../server/platform/own-file.ts";
import { statePathsOf, type StatePaths } from "../../../server/state-paths.ts";
import { LogFile, readLastLogLines } from "../../../server/supervisor/log-file.ts";
import { readRunFiles, writeRunFiles } from "../../../server/supervisor/run-files.ts";
import { readLeases, writeLeases } from "../../../server/worker/secure-nat/lease-file.ts";

let folder: string;
let paths: StatePaths;
/** A file that nobody but its owner may change. */
let secret: string;
const secretText = "root's own";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "own-file-"));
  secret = join(folder, "secret");
  await writeFile(secret, secretText, { mode: 0o640 });
  paths = statePathsOf(join(folder, "state"));
  await mkdir(paths.runDirectory, { recursive: true });
  await mkdir(paths.logDirectory);
});
afterEach(() => rm(folder, { recursive: true }));

const obstacles = {
  "a link": (path: string) => symlink(secret, path),
  "a named pipe": (path: string) => Promise.resolve(execFileSync("mkfifo", [path])),
  "a folder": (path: string) => mkdir(join(path, "full"), { recursive: true }),
} as const;

interface Access {
  /** What stands in the way. */
  readonly file: () => string;
  readonly run: () => unknown;
}

const layout = () => layoutOf(join(folder, "prefix"));
const release = "ab".repeat(32);
const executable = () => join(layout().releases, release, "vpnserver");
const hubLog = () => join(paths.logDirectory, "security_log", "HUB", "sec_20260131.log");
const leases: Parameters<typeof writeLeases>[1] = new Map();
const processes = { supervisor: { pid: 10, started: "1" } } as never;
const record = { bootId: "a", forwarded: false, chains: [], interfaces: [] };
const loadPair = () => loadOrCreateCertificate(paths);

/** What cannot go on without the file: the error names it. */
const refused: Readonly<Record<string, Access>> = {
  "the configuration, read": { file: () => paths.configFile, run: () => readServerConfig(paths) },
  "the journal, read": {
    file: () => journalFileOf(paths.configFile),
    run: async () => {
      await writeFile(paths.configFile, "declare root\n{\n}\n");
      await readServerConfig(paths);
    },
  },
  "the journal, made": {
    file: () => journalFileOf(paths.configFile),
    run: () => JournalFile.create(journalFileOf(paths.configFile), release),
  },
  "a backup, compared": {
    file: () => join(backupDirectoryOf(paths.configFile), "00000001_vpn_server.config"),
    run: () => writeBackup(paths.configFile, Buffer.from("x")),
  },
  "applied.json, read": { file: () => paths.appliedFile, run: () => readAppliedRecord(paths.appliedFile) },
  "the key, read": { file: () => paths.keyFile, run: loadPair },
  "the certificate, read": { file: () => paths.certificateFile, run: loadPair },
  "adminip.txt, read": {
    file: () => paths.adminAddressFile,
    run: () => readAdminAddresses(paths.adminAddressFile),
  },
  "the server log, appended to": { file: () => paths.logFile, run: () => new LogFile(paths.logFile) },
  "a hub's log, appended to": { file: hubLog, run: () => logDisk.append(hubLog(), "line\n") },
  "the lock, taken": { file: () => paths.lockFile, run: () => InstanceLock.acquire(paths.lockFile) },
  "the record of an installation, read": {
    file: () => layout().manifest,
    run: () => readManifest(layout()),
  },
  "the record of an import, read": {
    file: () => importRecordFile(paths),
    run: () => readImportRecord(paths),
  },
  "a release, read": { file: executable, run: () => sha256OfFile(executable()) },
};

/** What goes on without the file, as if it were not there. */
const passedOver: Readonly<Record<string, Access & { readonly result: unknown }>> = {
  "the processes, read": {
    file: () => paths.processesFile,
    run: () => readRunFiles(paths),
    result: undefined,
  },
  "the forwarding record, read": {
    file: () => paths.forwardingFile,
    run: () => readForwardingRecord(paths.forwardingFile),
    result: undefined,
  },
  "the server log, shown": {
    file: () => paths.logFile,
    run: () => readLastLogLines(paths.logFile, 10),
    result: [],
  },
  "the mode of an installation, read": {
    file: () => layout().manifest,
    run: () => installedMode(layout()),
    result: undefined,
  },
};

/** What is written anew: a link is replaced and not followed. */
const replaced: Readonly<Record<string, Access>> = {
  "the configuration, written": {
    file: () => paths.configFile,
    run: async () => {
      await rm(paths.configFile);
      await writeServerConfig(paths, { listeners: [] });
    },
  },
  "applied.json, written": {
    file: () => paths.appliedFile,
    run: () => writeAppliedRecord(paths.appliedFile, "{}"),
  },
  "leases.json, written": { file: () => paths.leasesFile, run: () => writeLeases(paths.leasesFile, leases) },
  "the forwarding record, written": {
    file: () => paths.forwardingFile,
    run: () => writeForwardingRecord(paths.forwardingFile, record),
  },
  "the processes, written": { file: () => paths.processesFile, run: () => writeRunFiles(paths, processes) },
  "what is to be the processes, written": {
    file: () => `${paths.processesFile}.new`,
    run: () => writeRunFiles(paths, processes),
  },
  "a release, staged": {
    file: executable,
    run: async () => {
      const source = join(folder, "source");
      await writeFile(source, "program");
      await new ReleaseStore(layout(), { mode: 0o755 }).stage(source, await sha256OfFile(source));
    },
  },
};

async function obstruct(file: string, kind: keyof typeof obstacles): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await obstacles[kind](file);
}

async function secretIsUntouched(): Promise<void> {
  assert.equal(await readFile(secret, "utf8"), secretText);
  assert.equal((await stat(secret)).mode & 0o777, 0o640);
}

for (const kind of Object.keys(obstacles) as (keyof typeof obstacles)[]) {
  describe(`${kind} in the place of a file of the server's`, () => {
    for (const [name, { file, run }] of Object.entries(refused)) {
      test(`is refused by its path: ${name}`, async () => {
        await obstruct(file(), kind);
        await assert.rejects(
          async () => run(),
          (error: Error) => error.message.includes(file()) || assert.fail(error.message),
        );
        await secretIsUntouched();
      });
    }

    for (const [name, { file, run, result }] of Object.entries(passedOver)) {
      test(`counts as none: ${name}`, async () => {
        await obstruct(file(), kind);
        assert.deepEqual(await run(), result);
        await secretIsUntouched();
      });
    }

    test("is told of: leases.json, read", async () => {
      await obstruct(paths.leasesFile, kind);
      const problems: string[] = [];
      await readLeases(paths.leasesFile, (problem) => problems.push(problem));
      assert.match(problems.join(), new RegExp(`cannot read ${paths.leasesFile}.*move it away`));
    });

    test("lets nobody administer: adminip.txt", async () => {
      await obstruct(paths.adminAddressFile, kind);
      const problems: string[] = [];
      const addresses = new AdminAddressFile(paths.adminAddressFile, (problem) => problems.push(problem));
      assert.equal(addresses.admits("127.0.0.1", ""), false);
      assert.match(problems.join(), /nobody administers/);
    });
  });
}

describe("a link in the place of a file that is written", () => {
  for (const [name, { file, run }] of Object.entries(replaced)) {
    test(`leaves what it leads to alone: ${name}`, async () => {
      await obstruct(file(), "a link");
      await run();
      await secretIsUntouched();
    });
  }
});

describe("a file of the server's", () => {
  test("is read as it is, and not beyond its bound", async () => {
    assert.equal((await readOwnFile(secret, secretText.length)).toString(), secretText);
    assert.equal(readOwnFileSync(secret, secretText.length).toString(), secretText);
    await assert.rejects(readOwnFile(secret, 3), /more than 3 bytes/);
    assert.throws(() => readOwnFileSync(secret, 3), /more than 3 bytes/);
  });

  test("that is missing is the system's error", async () => {
    await assert.rejects(openOwnFile(join(folder, "none")), { code: "ENOENT" });
    assert.throws(() => openOwnFileSync(join(folder, "none")), { code: "ENOENT" });
  });

  test("is none that is a device", async () => {
    await assert.rejects(openOwnFile("/dev/null"), /\/dev\/null is a device where a file should be/);
    assert.throws(() => openOwnFileSync("/dev/null"), /\/dev\/null is a device where a file should be/);
  });
});
