import { readlink, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { makeStateDirectories, statePathsOf, type StatePaths } from "../state-paths.ts";
import {
  readServerConfig,
  removeServerConfig,
  writeServerConfig,
  type ServerConfig,
} from "../config/disk/config-file.ts";
import { fileProblemOf, isAboutRights, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { carriedKoffi, placeKoffi } from "../native/koffi-file.ts";
import { portList } from "../firewall/firewall-report.ts";
import { readStatus } from "../supervisor/control.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import { version } from "../version.ts";
import { exists, folderMode, makeFolders } from "./folders.ts";
import { waitUntilHealthy } from "./health.ts";
import type { ImportReport, InstallResult } from "../contract/install-result.ts";
import type { InstallOptions } from "./install-options.ts";
import { listenerWarnings } from "./listener-warnings.ts";
import { conclude } from "./conclusion.ts";
import { OwnerStep } from "./owner-step.ts";
import { FirewallStep } from "./firewall-step.ts";
import type { Layout } from "./layout.ts";
import { ManifestRecord, type Manifest } from "./manifest.ts";
import type { InitSystem } from "../init/init-system.ts";
import type { OwnerChange } from "./owner.ts";
import { ReleaseStore } from "./releases.ts";
import { initSystemOf } from "../init/init-systems.ts";
import { Takeover } from "./takeover/takeover.ts";
import { removeInstallation } from "./uninstall.ts";

/** A server that was running and well when nothing had to be changed is looked at for so long before it is started again. */
const unchangedPatienceMs = 5_000;

const linkPath = "/usr/local/bin/vpnserver";

export interface TransactionParts {
  readonly options: InstallOptions;
  readonly layout: Layout;
  readonly sha256: string;
  readonly ownerChange: OwnerChange;
  /** As it was found. */
  readonly before: Manifest | undefined;
  readonly draft: Manifest;
}

/** One run of {@link install}, with what it has to undo. */
export class InstallTransaction {
  readonly #options: InstallOptions;
  readonly #layout: Layout;
  readonly #sha256: string;
  readonly #before: Manifest | undefined;
  readonly #paths: StatePaths;
  readonly #initSystem: InitSystem;
  readonly #store: ReleaseStore;
  readonly #record: ManifestRecord;
  readonly #owner: OwnerStep;
  readonly #firewall: FirewallStep;
  /** The report of an import that was made before; undefined when nothing is to be imported. */
  #takeover: Takeover | ImportReport | undefined;
  #changed = false;
  /** From here on the server is no longer the one that was found, or not as it was. */
  #disturbed = false;

  constructor({ options, layout, sha256, ownerChange, before, draft }: TransactionParts) {
    this.#options = options;
    this.#layout = layout;
    this.#sha256 = sha256;
    this.#before = before;
    this.#record = new ManifestRecord(layout, before, draft);
    this.#paths = statePathsOf(draft.stateDirectory);
    this.#owner = new OwnerStep({ change: ownerChange, paths: this.#paths, before });
    this.#initSystem = initSystemOf(
      { paths: this.#paths, executable: layout.executable, run: options.run },
      { atBoot: options.mode === "service" },
    );
    this.#store = new ReleaseStore(layout, { mode: folderMode(options.mode) });
    const former = before?.release;
    this.#firewall = new FirewallStep({
      options,
      record: this.#record,
      before,
      program: this.#store.programOf(sha256),
      formerProgram: former === undefined ? undefined : this.#store.programOf(former),
    });
  }

  async run(): Promise<InstallResult> {
    const found = await this.#look();
    try {
      return await this.#change(found);
    } catch (error) {
      throw await this.#undo(found, error);
    }
  }

  /** What is to be restored if this fails. */
  async #look(): Promise<Found> {
    await this.#store.current.check();
    this.#takeover = await this.#planTakeover();
    const stateIsNew = !(await exists(this.#paths.stateDirectory));
    return {
      stateIsNew,
      config: await readServerConfig(this.#paths),
      configIsNew: !(await exists(this.#paths.configFile)),
      registration:
        this.#takeover instanceof Takeover && this.#takeover.occupiesUnit
          ? undefined
          : await this.#initSystem.registration(),
      // One that does not answer is as good as none: it is started again.
      status: stateIsNew ? undefined : await readStatus(this.#paths).catch(() => undefined),
    };
  }

  async #change(found: Found): Promise<InstallResult> {
    const { mode, reason, modeWarning, healthTimeoutMs, run, signal, note } = this.#options;
    await this.#makeState();
    if (!(await this.#store.has(this.#sha256))) note(`putting release ${this.#sha256} there`);
    await this.#store.stage(this.#options.executable, this.#sha256);
    await this.#store.tryOut(this.#sha256, run);
    await this.#placeLibrary();
    const takeover = this.#takeover instanceof Takeover ? this.#takeover : undefined;
    if (takeover !== undefined) await this.#carryOut(takeover);
    const present = takeover === undefined ? found.config : await readServerConfig(this.#paths);
    const config = this.#desiredConfig(present);
    await this.#firewall.change(enabledPorts(config));
    this.#changed ||= this.#firewall.changed;
    signal?.throwIfAborted();

    const registration = this.#initSystem.desiredRegistration({
      opensFirewall: this.#firewall.keptByStart,
      program: this.#store.programOf(this.#sha256),
    });
    const switched = (await this.#store.current.read()) !== this.#sha256;
    const isNew =
      switched || takeover !== undefined || config !== present || registration !== found.registration;
    this.#disturbed ||= isNew;
    if (config !== present) {
      note(`listeners: ${portList(enabledPorts(config))}`);
      await this.#initSystem.stop();
      await writeServerConfig(this.#paths, config);
    }
    if (switched) await this.#store.current.point(this.#sha256);
    const registered = await this.#initSystem.register(registration);
    this.#changed ||= isNew || registered;

    const ports = [
      ...portsServedBy(found.status),
      ...(takeover?.servedPorts ?? []).filter((port) => enabledPorts(config).includes(port)),
    ];
    const status =
      (isNew ? undefined : await this.#statusIfWell(found.status)) ??
      (await this.#start(this.#sha256, ports, healthTimeoutMs));
    await this.#commit();
    await takeover?.complete();
    await this.#owner.complete();
    const { owner } = this.#owner;
    const imported = this.#takeover instanceof Takeover ? this.#takeover.report : this.#takeover;
    return {
      mode,
      reason,
      version,
      sha256: this.#sha256,
      prefix: this.#layout.prefix,
      stateDirectory: this.#paths.stateDirectory,
      listeners: status.listeners,
      tlsFingerprint: status.tlsFingerprint,
      firewall: this.#firewall.report(status),
      ...(owner && { owner }),
      ...(imported && { imported }),
      warnings: [
        ...this.#owner.warnings,
        ...(modeWarning === undefined ? [] : [modeWarning]),
        ...listenerWarnings(status.listeners, mode),
        ...(await this.#initSystem.warnings()),
        ...(takeover?.warnings ?? []),
      ],
      changed: this.#changed,
    };
  }

  async #planTakeover(): Promise<Takeover | ImportReport | undefined> {
    const { importFrom, prefix, run, note } = this.#options;
    if (importFrom === undefined) return undefined;
    return Takeover.plan({ path: importFrom, prefix, paths: this.#paths, run, note });
  }

  /** One of ours that runs without a configuration of its own gives way, too. */
  async #carryOut(takeover: Takeover): Promise<void> {
    this.#disturbed = true;
    this.#options.signal?.throwIfAborted();
    await this.#initSystem.stop();
    await takeover.carryOut();
  }

  async #makeState(): Promise<void> {
    const { stateDirectory } = this.#paths;
    const folders = await makeFolders(stateDirectory, 0o700).catch((error: unknown) => {
      throw new ServerError(
        isAboutRights(error) ? "NOT_PERMITTED" : "FAILED",
        `cannot make the state directory ${stateDirectory}: ${fileProblemOf(error, stateDirectory, "--state-dir")}`,
        { cause: error },
      );
    });
    await this.#record.add({ folders: [...this.#record.manifest.folders, ...folders] });
    await makeStateDirectories(this.#paths);
  }

  /** A service may not write beside its executable. What it cannot load it does without, and its status says why. */
  async #placeLibrary(): Promise<void> {
    const library = carriedKoffi();
    if (library === undefined) return;
    const path = dirname(this.#store.executableOf(this.#sha256));
    await placeKoffi(library, { path, write: true }).catch((error: unknown) =>
      this.#options.note(`the library for native calls cannot be put there: ${wordsOf(error)}`),
    );
  }

  /** The configuration that was found itself, when its listeners are the ones that are wanted. */
  #desiredConfig(config: ServerConfig): ServerConfig {
    const { listeners } = this.#options;
    if (listeners === undefined) return config;
    const [wanted, present] = [listeners, enabledPorts(config)].map((ports) =>
      [...ports].sort((a, b) => a - b).join(),
    );
    if (wanted === present) return config;
    return { ...config, listeners: listeners.map((port) => ({ port, enabled: true })) };
  }

  /** The status of a server that runs this release and is well; `undefined` when it has to be started. */
  async #statusIfWell(found: RunningStatus | undefined): Promise<RunningStatus | undefined> {
    const { note, signal } = this.#options;
    if (found === undefined) {
      note("the server does not run");
      return undefined;
    }
    if (found.release !== this.#sha256 || !(await this.#initSystem.keeps(found.supervisor.pid)))
      return undefined;
    try {
      return await waitUntilHealthy({
        paths: this.#paths,
        release: this.#sha256,
        ports: [],
        timeoutMs: unchangedPatienceMs,
        signal,
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      note(`the server is not well: ${wordsOf(error)}`);
      return undefined;
    }
  }

  async #start(release: string, ports: readonly number[], healthTimeoutMs: number): Promise<RunningStatus> {
    const { note, signal } = this.#options;
    note(`starting release ${release}`);
    this.#disturbed = true;
    this.#changed = true;
    await this.#initSystem.stop();
    const deadline = performance.now() + healthTimeoutMs;
    await this.#initSystem.start({ timeoutMs: healthTimeoutMs, program: this.#store.programOf(release) });
    return waitUntilHealthy({
      paths: this.#paths,
      release,
      ports,
      timeoutMs: Math.max(deadline - performance.now(), 1_000),
      signal,
    });
  }

  async #commit(): Promise<void> {
    const { release: former, previousRelease } = this.#before ?? {};
    const previous = former === this.#sha256 ? previousRelease : former;
    await this.#link();
    const { owner, note } = this.#owner;
    await this.#owner.prepare();
    const { previousRelease: _, ...manifest } = this.#record.manifest;
    await this.#record.replace({
      ...manifest,
      release: this.#sha256,
      ...(previous !== undefined && { previousRelease: previous }),
      ...(owner && { owner }),
    });
    this.#changed ||= this.#owner.isChanged;
    if (note !== undefined) this.#options.note(note);
    // The server serves by now: what is left of former ones is no reason to go back to them.
    await this.#store
      .prune([this.#sha256, previous])
      .catch((error: unknown) => this.#options.note(`releases of before stay: ${wordsOf(error)}`));
  }

  /** The command for everybody, where that name is free. Windows has no folder for such. */
  async #link(): Promise<void> {
    const { executable } = this.#layout;
    const { links } = this.#record.manifest;
    if (process.platform === "win32" || this.#options.mode === "user") return;
    if (!(await exists(dirname(linkPath)))) return;
    const isFree = !(await exists(linkPath));
    const isOurs = (await readlink(linkPath).catch(() => undefined)) === executable;
    if (!isFree && !isOurs) return;
    await this.#record.add({ links: [...new Set([...links, linkPath])] });
    if (isOurs) return;
    try {
      await symlink(executable, linkPath);
      this.#changed = true;
    } catch (error) {
      await this.#record.add({ links });
      this.#options.note(`there is no command vpnserver for everybody: ${wordsOf(error)}`);
    }
  }

  /** Leaves the host as it was found, and returns the error to tell. */
  async #undo(found: Found, error: unknown): Promise<Error> {
    const told = await this.#undoOwn(found, error);
    await this.#owner.undo();
    const takeover = this.#takeover instanceof Takeover ? this.#takeover : undefined;
    const more = await takeover?.undo().catch((second: unknown) => wordsOf(second));
    if (!more) return told;
    const code = told instanceof ServerError ? told.code : "FAILED";
    return new ServerError(code, `${told.message}\n${more}`, { cause: told });
  }

  async #undoOwn(found: Found, error: unknown): Promise<Error> {
    const former = this.#before?.release;
    const reason = wordsOf(error);
    const log = this.#disturbed ? await this.#initSystem.lastLogLines().catch(() => []) : [];
    const code = error instanceof ServerError ? error.code : "FAILED";
    try {
      if (former === undefined) {
        const left = await this.#remove(found);
        return new ServerError(code, conclude(reason, left, log), { cause: error });
      }
      await this.#firewall.restore();
      if (!this.#disturbed) {
        await this.#restoreFiles(former);
        return error instanceof Error ? error : new Error(reason);
      }
      const isSame = former === this.#sha256 && (await this.#isAsFound(found));
      if (isSame) {
        await this.#restoreFiles(former);
        return new ServerError("UNHEALTHY", conclude(reason, "the server cannot be brought back", log), {
          cause: error,
        });
      }
      await this.#restore(found, former);
    } catch (second) {
      const outcome = `going back to what was there failed too: ${wordsOf(second)}`;
      return new ServerError("UNHEALTHY", conclude(reason, outcome, log), { cause: second });
    }
    const what = former === this.#sha256 ? "the new settings were" : `release ${this.#sha256} was`;
    return new ServerError(
      "ROLLED_BACK",
      `${what} unhealthy and rolled back: ${conclude(reason, `the previous release ${former} runs again`, log)}`,
      { cause: error },
    );
  }

  /** @returns what of this host is as it was, a clause */
  async #remove({ stateIsNew, configIsNew, config }: Found): Promise<string> {
    const { run, note } = this.#options;
    const { kept } = await removeInstallation({
      layout: this.#layout,
      manifest: this.#record.manifest,
      initSystem: this.#initSystem,
      run,
      note,
      purge: stateIsNew,
    });
    if (!stateIsNew) {
      if (configIsNew) await removeServerConfig(this.#paths);
      else await this.#writeConfig(config);
    }
    return kept.length === 0
      ? "nothing was left on this host"
      : `what was installed was taken away again, and what was there before stays (${kept.join(", ")})`;
  }

  /** Only where it is another one, so that a full disk is no obstacle where nothing is to be written. */
  async #writeConfig(config: ServerConfig): Promise<void> {
    const present = await readServerConfig(this.#paths);
    if (!isDeepStrictEqual(present, config)) await writeServerConfig(this.#paths, config);
  }

  async #isAsFound(found: Found): Promise<boolean> {
    const config = await readServerConfig(this.#paths);
    return (
      enabledPorts(config).join() === enabledPorts(found.config).join() &&
      (await this.#initSystem.registration()) === found.registration
    );
  }

  async #restoreFiles(former: string): Promise<void> {
    if (this.#before === undefined) return;
    await this.#record.replace({ ...this.#before, folders: this.#record.manifest.folders });
    await this.#store.prune([former, this.#before.previousRelease]);
  }

  async #restore(found: Found, former: string): Promise<void> {
    this.#options.note(`going back to release ${former}`);
    await this.#initSystem.stop();
    await this.#store.current.point(former);
    if (found.configIsNew) await removeServerConfig(this.#paths);
    else await this.#writeConfig(found.config);
    if (found.registration !== undefined) await this.#initSystem.register(found.registration);
    // Whoever broke it off wants the server back all the same.
    await this.#initSystem.start({
      timeoutMs: this.#options.healthTimeoutMs,
      program: this.#store.programOf(former),
    });
    await waitUntilHealthy({
      paths: this.#paths,
      release: former,
      ports: [],
      timeoutMs: this.#options.healthTimeoutMs,
    });
    await this.#restoreFiles(former);
  }
}

/** The host before the installation. */
interface Found {
  readonly stateIsNew: boolean;
  readonly config: ServerConfig;
  readonly configIsNew: boolean;
  readonly registration: string | undefined;
  readonly status: RunningStatus | undefined;
}

function portsServedBy(status: RunningStatus | undefined): number[] {
  const served = status?.listeners.filter(({ state }) => state === "Listening") ?? [];
  return served.map(({ port }) => port);
}

function enabledPorts({ listeners }: ServerConfig): number[] {
  return listeners.filter(({ enabled }) => enabled).map(({ port }) => port);
}
