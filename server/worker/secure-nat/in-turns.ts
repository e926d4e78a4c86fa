import type { SlicedWork } from "../../hub/answering-port.ts";
import { answeringPortLimits } from "../../limits.ts";

/** Does work in turns of the event loop that others have too, until none is left. */
export function inTurns(work: SlicedWork): void {
  setImmediate(() => {
    const end = performance.now() + answeringPortLimits.turnMs;
    if (work(() => performance.now() >= end)) inTurns(work);
  });
}
