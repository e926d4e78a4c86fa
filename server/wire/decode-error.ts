/**
 * Bytes from the network that do not follow their format. Every decoder of this layer throws this and nothing else; that
 * bytes are still missing is no error but `undefined`.
 */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  /** Where the fault lies, in bytes from the start of the PACK or HTTP head. */
  readonly offset: number;
  /** What was being read, such as `PACK element "hubname" value size`. */
  readonly field: string;

  constructor(field: string, offset: number, problem: string) {
    super(`${field} at byte ${offset}: ${problem}`);
    this.field = field;
    this.offset = offset;
  }
}
