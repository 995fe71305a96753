/** A binary heap of rows whose top changes in place: what a pass over identical tasks needs, and no more. */

/** Keeps the row with the lowest score on top; of equal scores the one with the lowest rank. */
export class RowHeap {
  readonly #rows: Int32Array;
  readonly #scores: Float64Array;
  readonly #ranks: Int32Array;
  #size: number;

  /** Takes the arrays over. @param scores by place as in `rows`; never NaN @param ranks by row, no two the same */
  constructor(rows: Int32Array, scores: Float64Array, ranks: Int32Array) {
    this.#rows = rows;
    this.#scores = scores;
    this.#ranks = ranks;
    this.#size = rows.length;
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** The first row; -1 when there is none. */
  get top(): number {
    return this.#size === 0 ? -1 : this.#rows[0]!;
  }

  /** Its score; infinite when there is none. */
  get topScore(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#scores[0]!;
  }

  /** Gives the top another score, which puts another row there if that is better now. */
  settleTop(score: number): void {
    this.#scores[0] = score;
    this.#sink(0);
  }

  removeTop(): void {
    if (this.#size === 0) return;
    this.#size--;
    this.#rows[0] = this.#rows[this.#size]!;
    this.#scores[0] = this.#scores[this.#size]!;
    this.#sink(0);
  }

  #sink(from: number): void {
    const [rows, scores, ranks, size] = [this.#rows, this.#scores, this.#ranks, this.#size];
    if (from >= size) return;
    const row = rows[from]!;
    const score = scores[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && comesBefore(scores[right]!, ranks[rows[right]!]!, scores[child]!, ranks[rows[child]!]!)) child = right;
      if (!comesBefore(scores[child]!, ranks[rows[child]!]!, score, ranks[row]!)) break;
      rows[at] = rows[child]!;
      scores[at] = scores[child]!;
      at = child;
    }
    rows[at] = row;
    scores[at] = score;
  }
}

/** Whether a score wins over another one: the lower, of equal ones that with the lower rank. */
export function comesBefore(score: number, rank: number, otherScore: number, otherRank: number): boolean {
  return score < otherScore || (score === otherScore && rank < otherRank);
}
