import { workLimits } from "./limits.ts";

/** Work in steps, each of a millisecond or less: between two of them whoever runs it may do something else. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Whose work it is: the name of a hub for that of its administrators, {@link serverWork}, or {@link ownWork}. */
export type WorkOwner = string;

/** What the server's administrator asks for. */
export const serverWork: WorkOwner = "";

/** What the server does by itself, such as to write its configuration: whoever asks for something small does not wait for all of it. */
export const ownWork: WorkOwner = "\0own";

/** What is due in sessions, of which there are thousands: keep-alives do not wait for a configuration to be written. */
export const sessionWork: WorkOwner = "\0sessions";

export interface TurnsOptions {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Calls back in the next turn of the event loop, after its sockets were read. */
  readonly nextTurn: (callback: () => void) => void;
}

interface Job {
  /** Does one step; true when there is none left. */
  readonly step: () => boolean;
}

/** Does all steps, where nobody else waits: in a command, and before the server serves. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Whether a value is work in steps. */
export function isSteps<T>(value: T | Steps<T>): value is Steps<T> {
  return typeof (value as Partial<Steps<T>> | undefined)?.next === "function";
}

/**
 * Shares the only thread between what takes long and what must not wait, such as the frames of sessions. In each turn of the event loop
 * all work together takes {@link workLimits.turnMs}, and a step more at most; the rest waits for the next turn, in which sockets are
 * read first.
 *
 * Owners take turns, and the jobs of one owner follow each other: who asks for more, on however many connections, waits longer and
 * delays the others by one turn each time. Every other turn is the one of the server's administrator, if it has something to do.
 */
export class Turns {
  readonly #options: TurnsOptions;
  /** The owner that comes next is the first. */
  readonly #jobs = new Map<WorkOwner, Job[]>();
  #spentMs = 0;
  /** What counts as spent in this turn and cannot be measured. */
  #countedMs = 0;
  #isScheduled = false;
  #isWorking = false;
  #wasServers = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Begins at once if there is time left in this turn. Fails with what a step throws. */
  run<T>(steps: Steps<T>, owner: WorkOwner = ownWork): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const step = () => {
      try {
        const { done, value } = steps.next();
        if (done === true) resolve(value);
        return done === true;
      } catch (error) {
        reject(error);
        return true;
      }
    };
    this.#add({ step }, owner);
    return promise;
  }

  /**
   * Resolves when something of an owner's may begin, whose parts are short and not known here. It counts
   * {@link workLimits.beginMs}, so a turn has few of them, whoever asks and however often.
   */
  begin(owner: WorkOwner): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const step = () => {
      this.#countedMs += workLimits.beginMs;
      resolve();
      return true;
    };
    this.#add({ step }, owner);
    return promise;
  }

  #add(job: Job, owner: WorkOwner): void {
    const jobs = this.#jobs.get(owner);
    if (jobs === undefined) this.#jobs.set(owner, [job]);
    else jobs.push(job);
    if (!this.#isWorking) this.#work();
  }

  #work(): void {
    const { now } = this.#options;
    const began = now();
    const leftMs = workLimits.turnMs - this.#spentMs;
    const isOver = () => now() - began + this.#countedMs >= leftMs;
    this.#isWorking = true;
    while (!isOver()) {
      const owner = this.#nextOwner();
      if (owner === undefined) break;
      this.#workFor(owner, isOver);
    }
    this.#isWorking = false;
    this.#spentMs += now() - began;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.nextTurn(() => {
      this.#isScheduled = false;
      this.#spentMs = 0;
      this.#countedMs = 0;
      if (this.#jobs.size > 0) this.#work();
    });
  }

  #nextOwner(): WorkOwner | undefined {
    const hasServers = this.#jobs.has(serverWork);
    this.#wasServers = hasServers && !this.#wasServers;
    if (this.#wasServers) return serverWork;
    for (const owner of this.#jobs.keys()) if (owner !== serverWork) return owner;
    return hasServers ? serverWork : undefined;
  }

  /** Until the owner's work is done, or the time is. */
  #workFor(owner: WorkOwner, isOver: () => boolean): void {
    const jobs = this.#jobs.get(owner) ?? [];
    this.#jobs.delete(owner);
    do {
      if (jobs[0]?.step() === true) jobs.shift();
    } while (jobs.length > 0 && !isOver());
    if (jobs.length === 0) return;
    // A step may have asked for more in the owner's name.
    const added = this.#jobs.get(owner) ?? [];
    this.#jobs.delete(owner);
    this.#jobs.set(owner, [...jobs, ...added]);
  }
}

/** Of the thread that serves. */
export const turns = new Turns({
  now: () => performance.now(),
  nextTurn: (callback) => void setImmediate(callback),
});

/** Units of work in one step, where a unit takes some nanoseconds, such as to look at a number and to change it. */
export const unitsPerStep = 32_768;

/** Counts the work that a step has done: what it gives takes more units, and says when that is enough. */
export function stepMeter(): (units: number) => boolean {
  let done = 0;
  return (units) => {
    done += units;
    if (done < unitsPerStep) return false;
    done = 0;
    return true;
  };
}

/** The values of a list, each made anew, in steps. */
export function* mapped<T, R>(
  values: Iterable<T>,
  make: (value: T, index: number) => R,
  perStep: number = valuesPerStep,
): Steps<R[]> {
  const made: R[] = [];
  for (const value of values) {
    made.push(make(value, made.length));
    if (made.length % perStep === 0) yield;
  }
  return made;
}

/** Of some microseconds each. */
export const valuesPerStep = 64;
