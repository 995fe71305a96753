/** What `cube simulate` answers. */

/** What became of one load by one policy. */
export interface SimulationRun {
  readonly seed: number;
  readonly tasks: number;
  readonly placed: number;
  readonly unplaced: number;
  /** By resource, what the placed tasks reserve, from 0 to 1. */
  readonly utilisation: Readonly<Record<string, number>>;
  /** The share of the scarce resource's capacity that is idle and of no use to the average task that asks for it. */
  readonly fragmentation: number;
  readonly ms: number;
}

/** A policy's runs, and their averages. */
export interface SimulatedPolicy extends Omit<SimulationRun, 'seed'> {
  readonly policy: string;
  readonly about: string;
  readonly runs: readonly SimulationRun[];
  /** Where each task of the file went, `null`: nowhere. Only when the file was placed once, as it is. */
  readonly placements?: readonly { readonly task: string; readonly node: string | null }[];
}

/** All of it. */
export interface SimulationReport {
  readonly nodes: number;
  /** Tasks in the file. */
  readonly tasks: number;
  readonly capacity: Readonly<Record<string, number>>;
  /** The resource that a load is filled by and fragmentation is counted in. */
  readonly scarce: string;
  /** What is asked of it in percent of its capacity, by drawing; null: the file's tasks once, in their order. */
  readonly fill: number | null;
  readonly policies: readonly SimulatedPolicy[];
}

/** What came of the E-PVM paper's simulation: average slowdowns by job. */
export interface PaperReport {
  readonly seeds: number;
  readonly roundrobin: number;
  readonly epvm: number;
  /** By how much more round robin slows jobs down. */
  readonly ratio: number;
  /** In how many of the seeds E-PVM had the lower slowdown. */
  readonly won: number;
  readonly paper: { readonly roundrobin: number; readonly epvm: number; readonly ratio: number };
}
