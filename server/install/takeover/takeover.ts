import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { writeFileAtomically } from "../../platform/atomic-file.ts";
import { openTcp, probeListener } from "../../client/probe.ts";
import { AdminAddressFile, readAdminAddresses } from "../../access/admin-addresses.ts";
import { removeServerConfig, replaceServerConfig } from "../../config/disk/config-file.ts";
import { adminAddressFileName, type StatePaths } from "../../state-paths.ts";
import { describeServerAccess } from "../../settings/server-access.ts";
import { emptyPasswordHash } from "../../config/sections/server-settings-config.ts";
import { wordsOf } from "../../error-words.ts";
import { ServerError } from "../../errors.ts";
import { loopbackAddress } from "../../client/probe-address.ts";
import type { RunProgram } from "../../platform/run-program.ts";
import { pendingFileOf } from "../../identity/certificate.ts";
import { exists } from "../folders.ts";
import type { ImportReport } from "../../contract/install-result.ts";
import {
  describeProcess,
  executablesOf,
  findFormerServer,
  isStoppable,
  startFormerServer,
  stopFormerServer,
  type FormerServer,
} from "./former-server.ts";
import { movedUnitName, type FormerUnit } from "./former-units.ts";
import {
  importRecordFile,
  readImportRecord,
  removeImportRecord,
  writeImportRecord,
  type ImportRecord,
} from "./record.ts";
import { whileClientsHearNothing } from "./silence.ts";
import { configIn, locateSource, readSource, type Source, type SourceConfiguration } from "./source.ts";

const probeMs = 3_000;

export interface TakeoverOptions {
  /** What `--import` names; absolute. */
  readonly path: string;
  readonly prefix: string;
  readonly paths: StatePaths;
  readonly run: RunProgram;
  readonly note: (message: string) => void;
}

/**
 * The way from a SoftEther VPN Server on this host to ours with its configuration: hubs, users, passwords, certificate. Files
 * of the former server are read and never changed; what is done to it can be undone.
 */
export class Takeover {
  readonly #options: TakeoverOptions;
  readonly #source: Source;
  readonly #former: FormerServer;
  /** Ports on which the former server answers clients, and so do we afterwards. */
  readonly servedPorts: readonly number[];
  /** As it was before it was asked to stop, in this run or in one that broke off. */
  readonly #record: ImportRecord;
  #configuration: SourceConfiguration;
  #begun = false;

  private constructor(
    options: TakeoverOptions,
    source: Source,
    configuration: SourceConfiguration,
    former: FormerServer,
    servedPorts: readonly number[],
    record: ImportRecord,
  ) {
    this.#options = options;
    this.#source = source;
    this.#configuration = configuration;
    this.#former = former;
    this.servedPorts = servedPorts;
    this.#record = record;
  }

  /**
   * Looks and changes nothing: reads and checks the configuration, and finds what runs the former server. The report of an
   * import that was made before, where that is so.
   *
   * @throws {ServerError} when there is nothing to import, it cannot be used, or this server has a configuration of its own
   */
  static async plan(options: TakeoverOptions): Promise<Takeover | ImportReport> {
    const { path, prefix, paths, run, note } = options;
    const before = await readImportRecord(paths);
    const names = [path, configIn(path)];
    if (before?.complete === true && [before.from, before.named].some((name) => names.includes(name))) {
      note(`${before.from} was imported before: nothing is imported again`);
      return {
        from: before.from,
        status: "before",
        formerServices: before.units.map(({ name, moved }) => (moved ? movedUnitName : name)),
        notServed: [],
      };
    }
    // What an import that broke off has left is its own.
    if (before?.complete !== false) await checkEmpty(path, paths, before);
    const source = await locateSource(path);
    for (const [option, folder] of [
      ["--prefix", prefix],
      ["--state-dir", paths.stateDirectory],
    ]) {
      if (source.folder !== folder) continue;
      throw new ServerError(
        "USAGE",
        `${folder} is the folder of the SoftEther VPN Server itself, whose files stay as they are: name another folder for this server with ${option}`,
      );
    }
    const configuration = await readSource(source);
    if (before?.complete !== false) checkAdminAddresses(source, paths, configuration);
    const former = await findFormerServer(source.folder, run);
    const isRunning = former.processes.length > 0 || former.units.some(({ active }) => active);
    const servedPorts = isRunning && isStoppable(former) ? await answeringPorts(configuration) : [];
    const record: ImportRecord = {
      format: 1,
      from: source.file,
      named: path,
      complete: false,
      units: mergedUnits(before?.units ?? [], former.units),
      executables: [
        ...new Set([
          ...(before?.executables ?? []),
          ...(former.units.some(({ active }) => active) ? [] : executablesOf(former.processes)),
        ]),
      ],
    };
    return new Takeover(options, source, configuration, former, servedPorts, record);
  }

  /** The unit's file of that name is the former server's, and is out of the way once {@link carryOut} is done. */
  get occupiesUnit(): boolean {
    return this.#former.units.some(({ moved }) => moved);
  }

  /**
   * Stops the former server and writes its configuration, as it is after that, into the state directory.
   *
   * @throws {ServerError} why that cannot be; {@link undo} puts things back
   */
  async carryOut(): Promise<void> {
    const { paths, run, note } = this.#options;
    this.#begun = true;
    await writeImportRecord(paths, this.#record);
    if (isStoppable(this.#former)) {
      for (const service of this.#servicesAndProcesses())
        note(`stopping the SoftEther VPN Server: ${service}`);
      await whileClientsHearNothing(this.servedPorts, run, () => stopFormerServer(this.#former, run));
    } else {
      note(`warning: ${this.#stillRuns}`);
    }
    for (const other of this.#former.others) {
      note(
        `warning: another SoftEther VPN Server runs and was left alone: ${describeProcess(other)}; ports of its listeners are not free`,
      );
    }
    // It has saved what it knew when it stopped.
    this.#configuration = await readSource(this.#source);
    await this.#removeState();
    await this.#writeAdminAddresses();
    await replaceServerConfig(paths, this.#configuration.document);
    const { from, hubs, users } = this.report;
    note(`imported ${from}: ${hubs} hubs, ${users} users`);
    for (const restriction of this.#restrictions()) note(`restricted as before: ${restriction}`);
    for (const setting of this.#configuration.notServed) note(`kept in the file and not served: ${setting}`);
    if (Buffer.compare(this.#configuration.settings.hashedPassword, emptyPasswordHash) === 0) {
      note("warning: the administrator has no password there: until one is set, only this host administers");
    }
  }

  /** From here on the same import is not made again. */
  async complete(): Promise<void> {
    await writeImportRecord(this.#options.paths, { ...this.#record, complete: true });
  }

  /**
   * Takes away what was imported, for a server of ours that runs no more, and starts the former one again.
   *
   * @returns what was done, a sentence; empty when nothing had been
   */
  async undo(): Promise<string> {
    if (!this.#begun) return "";
    const { paths, run } = this.#options;
    if (await exists(importRecordFile(paths))) {
      await this.#removeState();
      await removeImportRecord(paths);
    }
    if (!isStoppable(this.#former)) return this.#stillRuns;
    const { units, executables } = this.#record;
    if (units.length === 0 && executables.length === 0) return "";
    try {
      await startFormerServer(this.#record, run);
      return `the SoftEther VPN Server is as it was before (${this.#servicesAndProcesses().join(", ")})`;
    } catch (error) {
      return `the SoftEther VPN Server could not be started again: ${wordsOf(error)}; start it by hand`;
    }
  }

  get report(): ImportReport {
    const { hubs } = this.#configuration.settings;
    return {
      from: this.#source.file,
      status: "now",
      hubs: hubs.length,
      users: hubs.reduce((sum, { users }) => sum + users.size, 0),
      formerServices: this.#record.units.map(({ name, moved }) => (moved ? movedUnitName : name)),
      notServed: this.#configuration.notServed,
    };
  }

  /** What is not as it could be afterwards, though our server serves. */
  get warnings(): string[] {
    return isStoppable(this.#former) ? [] : [this.#stillRuns];
  }

  get #stillRuns(): string {
    const { units, processes } = this.#former;
    const what = [...units.map(({ name }) => name), ...processes.map(describeProcess)].join(", ");
    const [unit] = units;
    const how = unit === undefined ? "" : ` (systemctl disable --now ${unit.name})`;
    return `the SoftEther VPN Server of ${this.#source.folder} was not stopped, which only root can do, and keeps its ports (${what}): stop it as root${how}`;
  }

  #servicesAndProcesses(): string[] {
    const { units, executables } = this.#record;
    const moved = (unit: FormerUnit) => (unit.moved ? `, which is ${movedUnitName} from then on` : "");
    return [...units.map((unit) => `${unit.name}${moved(unit)}`), ...executables];
  }

  #restrictions(): string[] {
    const { paths } = this.#options;
    const { settings, adminAddresses } = this.#configuration;
    const file = new AdminAddressFile(paths.adminAddressFile, this.#options.note);
    return [
      ...describeServerAccess(settings.access),
      ...(adminAddresses === undefined ? [] : file.restrictions),
    ];
  }

  /** Before the configuration: there is no moment in which a server would let more people administer than the former one. */
  async #writeAdminAddresses(): Promise<void> {
    const { paths } = this.#options;
    const { adminAddresses } = this.#configuration;
    if (adminAddresses === undefined) return;
    await writeFileAtomically(paths.adminAddressFile, adminAddresses, { mode: 0o600 });
  }

  async #removeState(): Promise<void> {
    const { paths } = this.#options;
    await removeServerConfig(paths);
    // One that was there before says the same, or there was none to be imported.
    if (this.#configuration.adminAddresses !== undefined) await rm(paths.adminAddressFile, { force: true });
    for (const file of [paths.certificateFile, paths.keyFile, pendingFileOf(paths)]) {
      await rm(file, { force: true });
    }
  }
}

async function checkEmpty(path: string, paths: StatePaths, before: ImportRecord | undefined): Promise<void> {
  for (const file of [paths.configFile, paths.certificateFile, paths.keyFile]) {
    if (!(await exists(file))) continue;
    const whose = before === undefined ? "" : `, which was imported from ${before.from}`;
    throw new ServerError(
      "USAGE",
      `cannot import ${path}: this server has a configuration of its own already (${file})${whose}, which is not overwritten; leave --import out to go on with that one, or take it away first (vpnserver uninstall --purge)`,
    );
  }
}

/** One of the two files would have to go, and with it somebody's restriction. */
function checkAdminAddresses(
  { file }: Source,
  { adminAddressFile }: Pick<StatePaths, "adminAddressFile">,
  { adminAddresses }: SourceConfiguration,
): void {
  if (adminAddresses === undefined || !existsSync(adminAddressFile)) return;
  if (readAdminAddresses(adminAddressFile) === adminAddresses) return;
  throw new ServerError(
    "USAGE",
    `cannot import ${file}: from where administrators may come is said by the ${adminAddressFileName} beside it, and otherwise by ${adminAddressFile}; nothing was changed: remove the one that is not to hold`,
  );
}

/** What a run that broke off found counts as well: it may have stopped it. */
function mergedUnits(before: readonly FormerUnit[], now: readonly FormerUnit[]): FormerUnit[] {
  const others = before.filter(({ name }) => !now.some((unit) => unit.name === name));
  const both = now.map((unit): FormerUnit => {
    const earlier = before.find(({ name }) => name === unit.name);
    return {
      ...unit,
      active: unit.active || earlier?.active === true,
      enabled: unit.enabled || earlier?.enabled === true,
      moved: unit.moved || earlier?.moved === true,
    };
  });
  return [...others, ...both];
}

/** Listeners behind which a VPN server really is: a port may be another program's. */
async function answeringPorts({ settings }: SourceConfiguration): Promise<number[]> {
  const enabled = settings.listeners.filter((listener) => listener.enabled);
  const host = settings.access.listenAddress ?? loopbackAddress;
  const answers = await Promise.all(
    enabled.map(({ port }) =>
      probeListener(() => openTcp(host, port, probeMs), { timeoutMs: probeMs }).then(
        () => true,
        () => false,
      ),
    ),
  );
  return enabled.flatMap(({ port }, index) => (answers[index] === true ? [port] : []));
}
