/** A mistake in the arguments of a component: names the argument and says what is allowed. */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
  /** Path of the argument, such as `connection.hostKey`. */
  readonly argument: string;

  constructor(argument: string, problem: string) {
    super(`${argument} ${problem}`);
    this.argument = argument;
  }
}
