/** One pass over all nodes for many identical tasks: every node is scored once, and then only those that got one. */
import { Domains } from './domains.ts';
import { canTakeNow, takersNow } from '../filter.ts';
import { RowHeap } from './heap.ts';
import type { Picker } from '../place.ts';
import { comparable, type Scoring } from '../policy.ts';
import type { Run, Wanted } from './run.ts';

/** The nodes of a group in heaps by domain: first those that it does not avoid. */
export class Pass implements Picker {
  readonly #run: Run;
  readonly #wanted: Wanted;
  readonly #scoring: Scoring;
  readonly #domains: Domains;
  readonly #avoided: ReadonlySet<number>;
  /** By whether they are avoided, then by domain. */
  readonly #heaps: readonly [(RowHeap | undefined)[], (RowHeap | undefined)[]];
  #picked: RowHeap | undefined;

  constructor(run: Run, wanted: Wanted, scoring: Scoring, feasible: Int32Array) {
    this.#run = run;
    this.#wanted = wanted;
    this.#scoring = scoring;
    this.#domains = new Domains(run, wanted);
    this.#avoided = new Set(wanted.where.avoid);
    this.#heaps = this.#fill(feasible);
  }

  pick(): { readonly row: number; readonly score: number } {
    for (const heaps of this.#heaps) {
      const found = this.#best(heaps);
      if (found.row >= 0) return found;
    }
    return { row: -1, score: Number.POSITIVE_INFINITY };
  }

  taken(row: number): void {
    this.#domains.take(row);
    const heap = this.#picked!;
    if (canTakeNow(this.#run, this.#wanted, row)) heap.settleTop(this.#own(row));
    else heap.removeTop();
  }

  /** Heaps by domain, of the nodes that are not avoided and of those that are. */
  #fill(feasible: Int32Array): [(RowHeap | undefined)[], (RowHeap | undefined)[]] {
    const [run, domains, avoided] = [this.#run, this.#domains, this.#avoided];
    const rows = takersNow(run, this.#wanted, feasible);
    const scores = this.#ownAll(rows);
    const { ranks } = run.columns;
    // Mostly one heap has them all.
    if (domains.count === 1 && avoided.size === 0) return [[new RowHeap(rows, scores, ranks)], []];
    const places = new Map<string, number[]>();
    for (let at = 0; at < rows.length; at++) {
      const key = `${avoided.has(rows[at]!) ? 1 : 0} ${domains.of(rows[at]!)}`;
      const group = places.get(key);
      if (group) group.push(at);
      else places.set(key, [at]);
    }
    const heaps: [(RowHeap | undefined)[], (RowHeap | undefined)[]] = [[], []];
    for (const [key, at] of places) {
      const [side, domain] = key.split(' ').map(Number) as [0 | 1, number];
      const own = { rows: Int32Array.from(at, (place) => rows[place]!), scores: Float64Array.from(at, (place) => scores[place]!) };
      heaps[side][domain] = new RowHeap(own.rows, own.scores, ranks);
    }
    return heaps;
  }

  /** What a node costs, but for its domain. */
  #own(row: number): number {
    return comparable(this.#scoring.score(row) + this.#domains.affinity(row));
  }

  /** The same of many, to the same bit. */
  #ownAll(rows: Int32Array): Float64Array {
    const { addScores } = this.#scoring;
    if (addScores === undefined || this.#wanted.where.affinity.length > 0) return Float64Array.from(rows, (row) => this.#own(row));
    const scores = new Float64Array(rows.length);
    addScores(rows, scores);
    for (let at = 0; at < scores.length; at++) scores[at] = comparable(scores[at]!);
    return scores;
  }

  #best(heaps: readonly (RowHeap | undefined)[]): { row: number; score: number } {
    const { ranks } = this.#run.columns;
    const best = { row: -1, score: Number.POSITIVE_INFINITY };
    for (let domain = 0; domain < heaps.length; domain++) {
      const heap = heaps[domain];
      if (heap === undefined || heap.top < 0) continue;
      const score = heap.topScore + this.#domains.cost(domain);
      if (best.row >= 0 && (score > best.score || (score === best.score && ranks[heap.top]! > ranks[best.row]!))) continue;
      best.row = heap.top;
      best.score = score;
      this.#picked = heap;
    }
    return best;
  }
}
