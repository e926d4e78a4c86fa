import { open as openFile } from "node:fs/promises";
import { writeFileAtomically } from "../../../server/platform/atomic-file.ts";
import type { ConfigDisk } from "../../../server/config/disk/config-files.ts";
import type { JournalHandle, OpenJournalHandle } from "../../../server/config/disk/journal-file.ts";

type DiskWork = "write" | "truncate" | "file";
interface Fault {
  readonly code: string;
  /** Bytes that are written before. */
  readonly after?: number;
  /** What is not larger works. */
  readonly largerThan?: number;
}

/** A disk of which some works fail until it is mended. */
export class FailingDisk implements ConfigDisk {
  readonly #faults = new Map<DiskWork, Fault>();

  fail(work: DiskWork, fault: Fault): void {
    this.#faults.set(work, fault);
  }

  mend(work?: DiskWork): void {
    if (work === undefined) this.#faults.clear();
    else this.#faults.delete(work);
  }

  readonly openJournal: OpenJournalHandle = async (path, flags, mode) => {
    const handle = await openFile(path, flags, mode);
    const write = async (bytes: Buffer, offset: number, length: number, position: number) => {
      const fault = this.#faults.get("write");
      if (fault === undefined || length <= (fault.largerThan ?? 0)) {
        return handle.write(bytes, offset, length, position);
      }
      if (fault.after) await handle.write(bytes, offset, Math.min(fault.after, length), position);
      throw failure(fault);
    };
    return {
      chmod: (mode) => handle.chmod(mode),
      close: () => handle.close(),
      datasync: () => handle.datasync(),
      sync: () => handle.sync(),
      truncate: async (length) => {
        const fault = this.#faults.get("truncate");
        if (fault !== undefined) throw failure(fault);
        await handle.truncate(length);
      },
      write: write as JournalHandle["write"],
    };
  };

  readonly writeFileAtomically: ConfigDisk["writeFileAtomically"] = async (...args) => {
    const fault = this.#faults.get("file");
    if (fault !== undefined) throw failure(fault);
    await writeFileAtomically(...args);
  };
}

function failure({ code }: Fault): Error {
  return Object.assign(new Error(`${code}: the disk fails`), { code });
}
