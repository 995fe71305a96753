/**
 * What a score has besides the policy's: affinity, and spreading over the values of an attribute. Nodes with the same value are a domain.
 * A task in a domain makes all its nodes cost more, so that part of a score is kept by domain and not by node.
 */
import type { Terms } from '../policy.ts';
import type { Run, Wanted } from './run.ts';

/** The weighted terms of a group. */
export class Domains {
  readonly #run: Run;
  readonly #wanted: Wanted;
  readonly #column: Int32Array | undefined;
  /** Tasks of the kind, by domain. */
  readonly #tasks: Float64Array;

  constructor(run: Run, wanted: Wanted) {
    const { spread } = wanted.where.ask;
    const attribute = spread === undefined ? undefined : run.columns.attributes[spread]!;
    this.#run = run;
    this.#wanted = wanted;
    this.#column = attribute?.ids;
    this.#tasks = new Float64Array(attribute?.values.length ?? 1);
    if (this.#column) for (const row of run.nodes()) this.#tasks[this.#column[row]!]! += run.mates[row]!;
  }

  /** How many domains there may be. */
  get count(): number {
    return this.#tasks.length;
  }

  of(row: number): number {
    return this.#column === undefined ? 0 : this.#column[row]!;
  }

  /** What all nodes of a domain cost more now. */
  cost(domain: number): number {
    return this.#column === undefined ? 0 : this.#tasks[domain]! * this.#run.settings.spreadWeight;
  }

  /** What a node costs more for which none of the affinities holds. */
  affinity(row: number): number {
    const { affinity } = this.#wanted.where;
    for (let at = 0; at < affinity.length; at++) {
      const constraint = affinity[at]!;
      if (this.#run.truths(constraint)[this.#run.columns.attributes[constraint.attribute]!.ids[row]!] === 1) return 0;
    }
    return affinity.length === 0 ? 0 : this.#run.settings.affinityWeight;
  }

  /** Counts a task as placed there. */
  take(row: number): void {
    this.#tasks[this.of(row)]!++;
  }

  /** For people: only what the task asks for. */
  terms(row: number): Terms {
    const { where } = this.#wanted;
    return [
      ...(where.affinity.length > 0 ? [['affinity', this.affinity(row)] as const] : []),
      ...(where.ask.spread === undefined ? [] : [['spread', this.cost(this.of(row))] as const]),
    ];
  }
}
