/** Figures as the benchmarks print them. */

/** The middle one; of an even number, the upper of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Milliseconds as seconds. */
export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
