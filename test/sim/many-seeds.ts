/**
 * Random runs (chaos.ts), many of them, on as many threads as there are cores. Threads of their own: what node:test hooks into every
 * promise of a test costs a simulation a third of its speed.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PlantedBug } from './world.ts';

/** Which seeds to run. */
export interface SeedsWanted {
  readonly first: number;
  readonly count: number;
  readonly planted?: PlantedBug;
  /** Whether one failure is enough. */
  readonly stopsAtFailure?: boolean;
}

/** What became of one seed. */
export interface SeedRun {
  readonly seed: number;
  /** `machine event state` of each transition there was. */
  readonly met: readonly string[];
  readonly failure?: string;
}

/** The module beside this one: `.js` once compiled, `.ts` under tsx, which a thread must be given anew. */
const isCompiled = import.meta.url.endsWith('.js');
const threadUrl = new URL(isCompiled ? './seed-thread.js' : './seed-thread.ts', import.meta.url).href;
const code = isCompiled
  ? `import(${JSON.stringify(threadUrl)})`
  : `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => (register(), import(${JSON.stringify(threadUrl)})))`;

function runThread(data: object, runs: SeedRun[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(code, { eval: true, workerData: data });
    thread.on('message', (run: SeedRun) => runs.push(run));
    thread.on('error', reject);
    thread.on('exit', () => resolve());
  });
}

/** Runs seeds. @returns one entry a seed that was run, by seed */
export async function runSeeds(wanted: SeedsWanted): Promise<readonly SeedRun[]> {
  const runs: SeedRun[] = [];
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const threads = Math.min(availableParallelism(), wanted.count);
  await Promise.all(Array.from({ length: threads }, () => runThread({ ...wanted, taken }, runs)));
  return runs.toSorted((a, b) => a.seed - b.seed);
}
