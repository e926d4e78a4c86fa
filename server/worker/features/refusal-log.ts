import type { RefusalCounts } from "../../transport/refusals.ts";
import type { Feature } from "../feature.ts";

/** From one look at the counts of refusals to the next. */
const lookMs = 60_000;

/** Logs what was refused before a login, at most one line a minute however much it was. */
export const refusalLog: Feature = {
  start({ connections, log }) {
    let logged = connections.refusals();
    const timer = setInterval(() => {
      const counts = connections.refusals();
      const news = (Object.keys(counts) as (keyof RefusalCounts)[]).filter(
        (reason) => counts[reason] > logged[reason],
      );
      if (news.length > 0) {
        log.info(
          `refused in the last minute: ${news.map((reason) => `${reason} ${counts[reason] - logged[reason]}`).join(", ")}`,
        );
      }
      logged = counts;
    }, lookMs);
    timer.unref();
    return { close: () => clearInterval(timer) };
  },
};
