/**
 * Positions in a stream count on without end; what goes over the wire is their lower half of 32 bits. A stream of a connection stays
 * far below the 2^53 up to which positions are exact.
 */
export type Position = number;

/** The position that `sequence` stands for: the nearest to `near`, less than 2^31 away (RFC 9293, section 3.4). */
export function positionOf(sequence: number, near: Position): Position {
  return near + ((sequence - near) | 0);
}

/** What stands for a position on the wire. */
export function sequenceOf(position: Position): number {
  return position % 0x1_0000_0000;
}
