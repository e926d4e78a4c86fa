/**
 * The known name that somebody most likely meant, or `undefined` when none is near: at most one slip of the finger for every three
 * characters, a transposition among them; no matter the case.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const least = Math.max(1, Math.floor(name.length / 3));
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= least && distance < candidate.length)
    .sort((one, other) => one.distance - other.distance);
  return nearest?.candidate;
}

/** Optimal string alignment: insertions, deletions, substitutions and transpositions of neighbours. */
function distance(one: string, other: string): number {
  // Longer ones are no slip of the finger, and would cost time.
  if (Math.abs(one.length - other.length) > 16) return Infinity;
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: other.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row.push(
        Math.min(
          (row[j - 1] ?? Infinity) + 1,
          (last[j] ?? Infinity) + 1,
          (last[j - 1] ?? Infinity) + (same ? 0 : 1),
          swapped ? (beforeLast[j - 2] ?? Infinity) + 1 : Infinity,
        ),
      );
    }
    [beforeLast, last] = [last, row];
  }
  return last[other.length] ?? Infinity;
}
