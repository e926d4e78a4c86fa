import type { Member } from "./group-member.ts";

/** In percent of the wanted number of instances. */
export interface RefreshPreferences {
  readonly minHealthyPercentage: number;
  readonly maxHealthyPercentage: number;
  /** Whether instances of the wanted version of the launch template stay. */
  readonly skipMatching: boolean;
}

/** The replacement of a group's instances, some at a time. */
export class InstanceRefresh {
  readonly id: string;
  readonly #preferences: RefreshPreferences;
  #status: "Pending" | "InProgress" | "Successful" | "Cancelled" = "Pending";
  #toReplace: Set<string> | undefined;
  #total = 0;
  /** The fewest healthy instances that there were while it ran. */
  #fewestHealthy = Number.POSITIVE_INFINITY;

  constructor(id: string, preferences: RefreshPreferences) {
    this.id = id;
    this.#preferences = preferences;
  }

  get status(): string {
    return this.#status;
  }

  get fewestHealthy(): number {
    return this.#fewestHealthy;
  }

  get percentageComplete(): number {
    if (this.#status === "Successful") return 100;
    return this.#total === 0
      ? 0
      : Math.floor((100 * (this.#total - (this.#toReplace?.size ?? 0))) / this.#total);
  }

  cancel(): void {
    if (this.#status === "Pending" || this.#status === "InProgress") this.#status = "Cancelled";
  }

  /**
   * What is to be done now.
   *
   * @param members those that are not on their way out
   * @returns how many more instances than wanted there may be, and who leaves
   */
  plan(
    members: readonly Member[],
    { desired, version }: { desired: number; version: string },
  ): { surplus: number; leave: Member[] } {
    if (this.#status === "Successful" || this.#status === "Cancelled") return { surplus: 0, leave: [] };
    const { minHealthyPercentage, maxHealthyPercentage, skipMatching } = this.#preferences;
    if (this.#toReplace === undefined) {
      const old = members.filter((member) => !skipMatching || member.version !== version);
      this.#toReplace = new Set(old.map(({ id }) => id));
      this.#total = old.length;
      this.#status = "InProgress";
    }
    const ids = new Set(members.map(({ id }) => id));
    for (const id of this.#toReplace) if (!ids.has(id)) this.#toReplace.delete(id);
    const healthy = members.filter((member) => member.isHealthy);
    this.#fewestHealthy = Math.min(this.#fewestHealthy, healthy.length);
    const old = members.filter(({ id }) => this.#toReplace?.has(id));
    if (old.length === 0) {
      if (healthy.length >= desired) this.#status = "Successful";
      return { surplus: 0, leave: [] };
    }
    const mostUp = Math.max(desired, Math.ceil((desired * maxHealthyPercentage) / 100));
    // Where nothing may be missing and nothing too many, AWS takes one at a time.
    const fewestUp = Math.ceil((desired * minHealthyPercentage) / 100);
    const mayGo = fewestUp >= desired && mostUp <= desired ? 1 : healthy.length - fewestUp;
    const [unhealthy, goodOnes] = [old.filter((one) => !one.isHealthy), old.filter((one) => one.isHealthy)];
    const leave = [...unhealthy, ...goodOnes.slice(0, Math.max(0, mayGo))];
    const surplus = Math.min(mostUp - desired, old.length - leave.length);
    return { surplus, leave };
  }
}
