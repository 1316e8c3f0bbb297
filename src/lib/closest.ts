/** Suggests the known name that a misspelled one was probably meant to be. */

/** Edit distance: letters to insert, delete, replace or swap with their neighbour to turn one text into the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (exchanged) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The known name nearest to the given one, ignoring case; undefined if more than a quarter of it differs. */
export function closest(given: string, known: readonly string[]): string | undefined {
  const near = known
    .map((name) => ({ name, away: distance(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, away }) => away <= Math.max(1, Math.floor(name.length / 4)));
  return near.sort((one, other) => one.away - other.away)[0]?.name;
}

/** ` Did you mean …?`, to follow a sentence that names what is unknown; empty if no known name is near. */
export function suggestion(given: string, known: readonly string[], prefix = ""): string {
  const meant = closest(given, known);
  return meant === undefined ? "" : ` Did you mean ${prefix}${meant}?`;
}
