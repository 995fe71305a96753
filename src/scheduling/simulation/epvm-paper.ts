/**
 * The simulation of the E-PVM paper (Amir, Awerbuch, Barak, Borgstrom, Keren, "An Opportunity Cost Approach for Job Assignment in a
 * Scalable Computing Cluster", IEEE TPDS 11(7), 2000): jobs arrive at a few unequal machines, each is assigned once and stays, and what
 * counts is by how much sharing slows a job down. The paper reports an average slowdown by job of 15.404 for round robin (PVM) and of
 * 10.701 for the opportunity cost (E-PVM).
 *
 * The paper does not tell its workload in full, so the direction and about the ratio can be expected, not its table. What is assumed here:
 *
 * - Machines: three of speed 1 with 64 MB, two of speed 0.665 with 32 MB, one of speed 0.45 with 24 MB: the proportions of PCs of
 *   200, 133 and 90 MHz.
 * - Arrivals: a Poisson process, one job each 10 s on average, for 10,000 s; then those that are left run to their end.
 * - CPU demand: `2 / r` seconds at speed 1, r drawn evenly from (0, 1], so that most jobs are short and a few very long; at most 1,000 s.
 * - Memory demand: `0.5 / r` MB with an r of its own, at most 16 MB, so that every job has room on every machine. It is held from arrival
 *   to end.
 * - CPU is shared evenly by the jobs of a machine, at no cost of switching.
 * - A machine whose jobs hold more memory than it has thrashes: all of them run at half the speed until enough have ended. (With a tenth,
 *   the slow machines never recover under round robin, and it loses by far more than in the paper.)
 * - Nothing is preempted or migrated; demands of memory are known at arrival, those of CPU are not; assignment takes no time.
 * - The slowdown of a job is the time from its arrival to its end, over the time that it takes alone on a machine of speed 1.
 * - Round robin goes around the machines in their order, whatever their speed.
 * - E-PVM is the kernel's own policy with the paper's base, the number of machines. A machine's CPU has room for speed x L jobs, where
 *   L is the smallest power of two that no machine's load (jobs over speed) has passed yet; its memory has room for what it has.
 */
import { noResources } from '../../core/resources.ts';
import { seededRandom } from '../../core/random.ts';
import { kernelScorer } from './kernel.ts';
import type { Kind, Shape } from './model.ts';
import { parts } from './model.ts';
import type { Scorer } from './policies.ts';

/** All that is assumed, in numbers. */
const assumed = {
  machines: [
    ...Array.from({ length: 3 }, () => ({ speed: 1, memoryMb: 64 })),
    ...Array.from({ length: 2 }, () => ({ speed: 0.665, memoryMb: 32 })),
    { speed: 0.45, memoryMb: 24 },
  ],
  arrivalMeanS: 10,
  arrivalsUntilS: 10_000,
  cpuS: 2,
  cpuMaxS: 1_000,
  memoryMb: 0.5,
  memoryMaxMb: 16,
  thrashing: 2,
} as const;

/** What the paper reports: average slowdown by job. */
export const paperFigures = { roundrobin: 15.404, epvm: 10.701 } as const;

interface Job {
  readonly arrivesS: number;
  readonly cpuS: number;
  readonly memoryMb: number;
}

interface Running extends Job {
  /** Seconds of CPU at speed 1. */
  leftS: number;
}

class Machine {
  readonly speed: number;
  readonly memoryMb: number;
  readonly jobs: Running[] = [];
  heldMb = 0;

  constructor({ speed, memoryMb }: { readonly speed: number; readonly memoryMb: number }) {
    this.speed = speed;
    this.memoryMb = memoryMb;
  }

  take(job: Job): void {
    this.jobs.push({ ...job, leftS: job.cpuS });
    this.heldMb += job.memoryMb;
  }

  /** How fast each of its jobs runs. */
  get rate(): number {
    return this.speed / this.jobs.length / (this.heldMb > this.memoryMb ? assumed.thrashing : 1);
  }

  /** Seconds until the next of its jobs ends. */
  get endsInS(): number {
    return this.jobs.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...this.jobs.map((job) => job.leftS)) / this.rate;
  }

  /** Runs its jobs for a while in which none ends before the last moment. @returns those that end then */
  advance(seconds: number): Job[] {
    if (this.jobs.length === 0) return [];
    const done = seconds * this.rate;
    for (const job of this.jobs) job.leftS -= done;
    // What rounding leaves of a job that has ended.
    const ended = this.jobs.filter((job) => job.leftS <= job.cpuS * 1e-9);
    for (const job of ended) {
      this.jobs.splice(this.jobs.indexOf(job), 1);
      this.heldMb = this.jobs.reduce((sum, other) => sum + other.memoryMb, 0);
    }
    return ended;
  }
}

function drawJobs(random: () => number): readonly Job[] {
  const jobs: Job[] = [];
  // Above 0, so that no demand is infinite.
  const r = (): number => 1 - random();
  for (let atS = 0; ;) {
    atS -= Math.log(r()) * assumed.arrivalMeanS;
    if (atS > assumed.arrivalsUntilS) return jobs;
    jobs.push({
      arrivesS: atS,
      cpuS: Math.min(assumed.cpuS / r(), assumed.cpuMaxS),
      memoryMb: Math.min(assumed.memoryMb / r(), assumed.memoryMaxMb),
    });
  }
}

/** Where a job goes. */
type Assign = (machines: readonly Machine[], job: Job) => number;

function roundRobin(): Assign {
  let at = -1;
  return (machines) => (at = (at + 1) % machines.length);
}

/** Of memory a MB counts as one: only shares of it matter. */
function shapeOf({ speed, memoryMb }: Machine, index: number, loadMax: number): Shape {
  const capacity = { ...noResources, cpu: speed * loadMax, memoryBytes: memoryMb };
  return { index, amounts: [capacity.cpu * parts, memoryMb], model: undefined, capacity, slotsMax: Number.POSITIVE_INFINITY };
}

function kindOf(memoryMb: number): Kind {
  const ask = { ...noResources, cpu: 1, memoryBytes: memoryMb };
  return { index: 0, amounts: [parts, memoryMb], share: 0, whole: 0, models: undefined, count: 1, ask };
}

const names = ['cpu', 'memory'];

function opportunityCost(base: number): Assign {
  let loadMax = 1;
  let shapes: readonly Shape[] = [];
  let score: Scorer = () => 0;
  return (machines, { memoryMb }) => {
    const load = Math.max(...machines.map((machine) => (machine.jobs.length + 1) / machine.speed));
    if (shapes.length === 0 || load > loadMax) {
      while (load > loadMax) loadMax *= 2;
      shapes = machines.map((machine, index) => shapeOf(machine, index, loadMax));
      score = kernelScorer('epvm', names, shapes, { epvmBase: base });
    }
    const kind = kindOf(memoryMb);
    const costs = machines.map((machine, index) => {
      const shape = shapes[index]!;
      const tasks = machine.jobs.length;
      const left = [shape.amounts[0]! - tasks * parts, shape.amounts[1]! - machine.heldMb];
      return score({ shape, left, devices: [], idle: 0, tasks }, kind);
    });
    return costs.indexOf(Math.min(...costs));
  };
}

/** @returns the average slowdown */
function runJobs(jobs: readonly Job[], assign: Assign): number {
  const machines = assumed.machines.map((one) => new Machine(one));
  let nowS = 0;
  let ended = 0;
  let slowdowns = 0;
  for (let at = 0; ended < jobs.length;) {
    const job = jobs[at];
    const untilS = Math.min((job?.arrivesS ?? Number.POSITIVE_INFINITY) - nowS, ...machines.map((machine) => machine.endsInS));
    nowS += untilS;
    for (const machine of machines) {
      for (const done of machine.advance(untilS)) {
        ended++;
        slowdowns += (nowS - done.arrivesS) / done.cpuS;
      }
    }
    if (job === undefined || nowS < job.arrivesS) continue;
    nowS = job.arrivesS;
    machines[assign(machines, job)]!.take(job);
    at++;
  }
  return slowdowns / jobs.length;
}

/** What came of the paper's simulation. */
export interface PaperResult {
  readonly seeds: number;
  /** Average slowdown by job, averaged over the seeds. */
  readonly roundrobin: number;
  readonly epvm: number;
  /** Of the averages: by how much round robin slows jobs down more. */
  readonly ratio: number;
  /** In how many of the seeds E-PVM had the lower slowdown. */
  readonly won: number;
}

/** Runs the paper's simulation: for each seed the same jobs by both methods. Yields after each seed, since it takes its time. */
export function* runPaper(seeds: number): Generator<void, PaperResult> {
  const sums = { roundrobin: 0, epvm: 0 };
  let won = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const jobs = drawJobs(seededRandom(seed));
    const roundrobin = runJobs(jobs, roundRobin());
    const epvm = runJobs(jobs, opportunityCost(assumed.machines.length));
    sums.roundrobin += roundrobin;
    sums.epvm += epvm;
    if (epvm < roundrobin) won++;
    yield;
  }
  return { seeds, roundrobin: sums.roundrobin / seeds, epvm: sums.epvm / seeds, ratio: sums.roundrobin / sums.epvm, won };
}
