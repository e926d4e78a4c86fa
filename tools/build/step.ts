/** Takes the lines that a build says about its progress. */
export type Log = (line: string) => void;

/** Runs one step of the build, and tells its name and how long it took. A failure is told the step it happened in. */
export async function step<T>(name: string, log: Log, work: () => T | Promise<T>): Promise<T> {
  const begin = performance.now();
  try {
    const result = await work();
    log(`${name.padEnd(44, " ")} ${((performance.now() - begin) / 1000).toFixed(2).padStart(6)} s`);
    return result;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}: ${message}`, { cause: error });
  }
}
