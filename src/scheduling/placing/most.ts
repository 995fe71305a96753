/** The largest of some values; no spread into arguments, of which there may be more than a call can take. */
export function most(rows: readonly number[], of: (row: number) => number): number {
  return rows.reduce((largest, row) => Math.max(largest, of(row)), Number.NEGATIVE_INFINITY);
}
