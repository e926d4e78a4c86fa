import { rename, rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { StatePaths } from "../state-paths.ts";
import type { Manifest } from "./manifest.ts";
import type { OwnerChange } from "./owner.ts";
import type { Owner } from "../contract/owner.ts";
import { formerAppliedFile } from "./state-directory.ts";

export interface OwnerStepParts {
  readonly change: OwnerChange;
  readonly paths: Pick<StatePaths, "appliedFile">;
  /** As the installation was found. */
  readonly before: Manifest | undefined;
}

/** What one run of an installation does about whose the server is; on record only once the server is well. */
export class OwnerStep {
  readonly #change: OwnerChange;
  readonly #before: Manifest | undefined;
  readonly #appliedFile: string;
  readonly #formerAppliedFile: string;
  #isAside = false;

  constructor({ change, paths, before }: OwnerStepParts) {
    this.#change = change;
    this.#before = before;
    this.#appliedFile = paths.appliedFile;
    this.#formerAppliedFile = formerAppliedFile(paths);
  }

  get owner(): Owner | undefined {
    return this.#change.owner;
  }

  get note(): string | undefined {
    return this.#change.note;
  }

  get warnings(): string[] {
    return this.#change.warning === undefined ? [] : [this.#change.warning];
  }

  /** Whether the manifest names another owner, or the same by other labels, than before. */
  get isChanged(): boolean {
    return !isDeepStrictEqual(this.#change.owner, this.#before?.owner);
  }

  /** Before the new owner is on record: its first apply must find nothing of the former one's to delete. */
  async prepare(): Promise<void> {
    if (!this.#change.forgetsApplied) return;
    await renameIfThere(this.#appliedFile, this.#formerAppliedFile);
    this.#isAside = true;
  }

  async complete(): Promise<void> {
    if (this.#isAside) await rm(this.#formerAppliedFile, { force: true }).catch(() => {});
  }

  async undo(): Promise<void> {
    if (this.#isAside) await renameIfThere(this.#formerAppliedFile, this.#appliedFile).catch(() => {});
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  });
}
