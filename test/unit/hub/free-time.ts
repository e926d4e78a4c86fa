import { ThreadTime, type HubTime } from "../../../server/hub/hub-time.ts";

/** The share of a hub that has the thread for itself: time does not pass, and turns end when a test says so, if at all. */
export function createFreeTime(nextTurn: (callback: () => void) => void = () => {}): HubTime {
  return new ThreadTime({ now: () => 0, nextTurn }).createShare();
}
