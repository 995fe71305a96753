/**
 * E-PVM, opportunity cost: Amir, Awerbuch, Barak, Borgstrom, Keren, "An Opportunity Cost Approach for Job Assignment in a Scalable
 * Computing Cluster", IEEE TPDS 11(7), 2000. A node costs the sum over its resources of `base ^ utilisation`; a task goes where that
 * grows least. Because the cost is convex, work spreads, and a node that is nearly full in one resource is avoided by tasks which need it.
 *
 * Utilisation is the larger of reserved and measured, over capacity. Slots are a resource like the others, so that tasks which reserve
 * nothing spread, too. The base is the paper's number of machines or the Cube book's constant (`epvmBase` in core/limits.ts).
 */
import { problem } from '../../core/errors.ts';
import type { Policy, Summary } from '../policy.ts';
import type { Need, Run } from '../placing/run.ts';

/** What one resource adds to the cost of nodes. */
class Term {
  readonly need: Need;
  readonly #logBase: number;
  readonly #capacity: Float64Array;
  readonly #reserved: Float64Array;
  readonly #used: Float64Array;
  readonly #powers: Float64Array | undefined;
  /** Most nodes are like the one before; where they are not, there are few sizes all the same. */
  #lastCapacity = Number.NaN;
  #lastGrowth = 0;
  #misses = 0;
  #growths: Growths | undefined;

  constructor(run: Run, need: Need, logBase: number) {
    this.need = need;
    this.#logBase = logBase;
    this.#capacity = run.columns.capacity[need.column]!;
    this.#reserved = run.reserved[need.column]!;
    this.#used = run.used[need.column]!;
    this.#powers = run.powers(need.column);
  }

  /**
   * `base^(u + d/c) - base^u`, written as `base^u * (base^(d/c) - 1)` with expm1, because the difference of two close powers would
   * round a small task (a byte, a millicore) away.
   */
  at(row: number): number {
    const capacity = this.#capacity[row]!;
    if (!(capacity > 0)) return 0;
    const known = this.#powers === undefined ? -1 : this.#powers[row]!;
    if (known >= 0) return known * this.#growth(capacity);
    const power = this.#power(row, capacity);
    if (this.#powers) this.#powers[row] = power;
    return power * this.#growth(capacity);
  }

  /** Adds `at` of each row, all in one go: what is looked up for one row is at hand for the next. */
  addTo(rows: Int32Array, sums: Float64Array): void {
    const [capacities, powers] = [this.#capacity, this.#powers];
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at]!;
      const capacity = capacities[row]!;
      if (!(capacity > 0)) continue;
      const known = powers === undefined ? -1 : powers[row]!;
      const power = known >= 0 ? known : this.#power(row, capacity);
      if (powers) powers[row] = power;
      sums[at]! += power * this.#growth(capacity);
    }
  }

  /** `base^u`. A measurement that is not a number must not pass for none. */
  #power(row: number, capacity: number): number {
    const reserved = this.#reserved[row]!;
    const used = this.#used[row]!;
    const busy = used <= reserved ? reserved : used;
    return busy === 0 ? 1 : Math.exp((busy / capacity) * this.#logBase);
  }

  /** Not more than `at` gives for any row of the summary. */
  floor(summary: Summary): number {
    const { column } = this.need;
    const [most, least] = [summary.mostCapacity(column), summary.leastCapacity(column)];
    if (!(least > 0)) return 0;
    const floor = summary.leastPower(column, this.#logBase) * this.#growth(most);
    return most === least ? floor : floor * (1 - roundingSlack);
  }

  #growth(capacity: number): number {
    if (capacity !== this.#lastCapacity) {
      this.#lastCapacity = capacity;
      this.#lastGrowth =
        ++this.#misses < missesMax ? this.#grow(capacity) : (this.#growths ??= new Growths((c) => this.#grow(c))).of(capacity);
    }
    return this.#lastGrowth;
  }

  #grow(capacity: number): number {
    return Math.expm1((this.need.amount / capacity) * this.#logBase);
  }
}

/** From so many on it pays to keep growths: a task of a kind of its own looks at fewer nodes. */
const missesMax = 100;

/** Growths by capacity: a table in which the last one of a place stays. */
class Growths {
  readonly #capacities = new Float64Array(64).fill(Number.NaN);
  readonly #growths = new Float64Array(64);
  readonly #grow: (capacity: number) => number;

  constructor(grow: (capacity: number) => number) {
    this.#grow = grow;
  }

  of(capacity: number): number {
    const mixed = capacity * goldenRatio;
    const place = ((mixed - Math.floor(mixed)) * 64) | 0;
    if (this.#capacities[place] !== capacity) {
      this.#capacities[place] = capacity;
      this.#growths[place] = this.#grow(capacity);
    }
    return this.#growths[place]!;
  }
}

/** Its multiples lie far apart (Knuth, The Art of Computer Programming, 6.4). */
const goldenRatio = 0.618_033_988_749_894_9;

/** What expm1 of two close numbers may be out of order by. */
const roundingSlack = 1e-12;

function logOf(base: number): number {
  if (base > 1 && base < Number.POSITIVE_INFINITY) return Math.log(base);
  throw problem('usage', `limit epvmBase must be greater than 1, not ${base}`, {
    hint: 'leave it out, or set it with `cube up --limit epvmBase=2`',
  });
}

/** The policy `epvm`. @throws CubeError `usage` for a base of 1 or less, with which load would not count */
export const epvm: Policy = {
  scoring: (run, wanted) => {
    const logBase = logOf(run.settings.epvmBase);
    const terms = wanted.some.map((need) => new Term(run, need, logBase));
    return {
      score: (row) => {
        let sum = 0;
        for (let at = 0; at < terms.length; at++) sum += terms[at]!.at(row);
        return sum;
      },
      addScores: (rows, sums) => {
        for (const term of terms) term.addTo(rows, sums);
      },
      terms: (row) => wanted.needs.map(({ name }) => [name, terms.find(({ need }) => need.name === name)?.at(row) ?? 0] as const),
      floor: (summary) => {
        let sum = 0;
        for (let at = 0; at < terms.length; at++) sum += terms[at]!.floor(summary);
        return sum;
      },
    };
  },
};
