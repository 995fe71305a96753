/** Small helpers for what people read. */

/** Edits (insert, remove, replace, swap of neighbours) that turn `a` into `b`: Damerau-Levenshtein, restricted form. */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  const rows: number[] = Array.from({ length: (a.length + 1) * width }, () => 0);
  for (let i = 0; i <= a.length; i++) rows[i * width] = i;
  for (let j = 0; j <= b.length; j++) rows[j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const at = i * width + j;
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[at - width]! + 1, rows[at - 1]! + 1, rows[at - width - 1]! + changed);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, rows[at - 2 * width - 2]! + 1);
      }
      rows[at] = best;
    }
  }
  return rows.at(-1)!;
}

/** The name most like `word`, or undefined when none is near enough to be what was meant. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(lower, name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** `a, b and c`. */
export function listed(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

/** `1 node`, `3 nodes`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
