/** Problems that one message lists. */
const mostListed = 50;

/**
 * What is wrong with the arguments of a component, all of it at once. Each problem begins with the path of the argument, such as
 * `connection.hostKey`, and says what it is, what is allowed, and the way out. None holds a secret.
 */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const distinct = [...new Set(problems)];
    super(listed(distinct));
    this.problems = distinct;
  }
}

function listed(problems: readonly string[]): string {
  if (problems.length === 1) return problems.join("");
  const lines = problems.slice(0, mostListed).map((problem) => `\n  ${problem}`);
  const more = problems.length > mostListed ? `\n  and ${problems.length - mostListed} more` : "";
  return `the arguments have ${problems.length} problems:${lines.join("")}${more}`;
}

/** Gathers what is wrong, so that a check goes on to the end. */
export class ArgumentProblems {
  readonly #problems: string[] = [];

  add(...problems: readonly string[]): void {
    this.#problems.push(...problems);
  }

  /** What `action` returns; `undefined` when it threw an ArgumentError, whose problems are kept. */
  collect<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      this.add(...error.problems);
      return undefined;
    }
  }

  get list(): readonly string[] {
    return this.#problems;
  }

  /** @throws ArgumentError when there is a problem */
  throwIfAny(): void {
    if (this.#problems.length > 0) throw new ArgumentError(this.#problems);
  }
}
