import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { LiveConfiguration } from "../config/live-configuration.ts";
import { ConfigStore } from "../config/config-store.ts";
import { makeStateDirectories, type StatePaths } from "../state-paths.ts";
import { StateApplier, type ApplyRequest } from "../desired/state-applier.ts";
import type { ApplyResult } from "../contract/apply-result.ts";
import { ServerError } from "../errors.ts";
import { requestApply } from "../supervisor/control.ts";
import { InstanceLock } from "../platform/instance-lock.ts";
import { LiveIdentity } from "../identity/live-identity.ts";

/** Patience with a server that is being started or stopped. */
const busyMs = 20_000;
const pollMs = 100;

/**
 * Applies a desired state to the server that runs with a state directory, or to the files of one that does not run.
 *
 * @throws {ServerError}
 */
export async function applyToServer(paths: StatePaths, request: ApplyRequest): Promise<ApplyResult> {
  const deadline = performance.now() + busyMs;
  for (;;) {
    try {
      const answer = (await requestApply(paths, request)) as ApplyResult | undefined;
      const result = answer ?? (await applyToFiles(paths, request));
      if (result !== undefined) return result;
    } catch (error) {
      const isBusy = error instanceof ServerError && error.code === "BUSY";
      if (!isBusy || performance.now() >= deadline) throw error;
    }
    if (performance.now() >= deadline) {
      throw new ServerError("BUSY", "the server is being started or stopped; try again");
    }
    await sleep(pollMs);
  }
}

/** @returns `undefined` when a server has started meanwhile */
async function applyToFiles(paths: StatePaths, request: ApplyRequest): Promise<ApplyResult | undefined> {
  await makeStateDirectories(paths);
  const [{ uid }, us] = [await stat(paths.stateDirectory), process.geteuid?.()];
  if (us !== undefined && uid !== us) {
    // Files of root's would be none that the server can read.
    throw new ServerError(
      "NOT_PERMITTED",
      `${paths.stateDirectory} belongs to user id ${uid}, and the server does not run: run this as that user, or start the server`,
    );
  }
  const lock = InstanceLock.acquire(paths.lockFile);
  if (lock === undefined) return undefined;
  try {
    const store = await ConfigStore.open(paths);
    const applier = new StateApplier({
      paths,
      configuration: new LiveConfiguration(store),
      identity: await LiveIdentity.open(paths, undefined),
    });
    const result = await applier.apply(request);
    await store.close();
    return result;
  } finally {
    lock.release();
  }
}
