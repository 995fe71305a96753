/** A thread that runs seeds (many-seeds.ts): it takes the next one that nobody has taken, until all are. */
import { parentPort, workerData } from 'node:worker_threads';
import { runSeed } from './chaos.ts';
import type { SeedRun, SeedsWanted } from './many-seeds.ts';

const { first, count, planted, stopsAtFailure, taken } = workerData as SeedsWanted & { readonly taken: Int32Array };

for (let next = Atomics.add(taken, 0, 1); next < count; next = Atomics.add(taken, 0, 1)) {
  const run = await runOne(first + next);
  if (run.failure !== undefined && stopsAtFailure) Atomics.store(taken, 0, count);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows; a thread's port has none
  parentPort?.postMessage(run);
}

async function runOne(seed: number): Promise<SeedRun> {
  try {
    const { events } = (await runSeed(seed, planted)).manager.mirror;
    return { seed, met: [...new Set(events.map(({ machine, event, to }) => `${machine} ${event} ${to}`))] };
  } catch (thrown) {
    return { seed, met: [], failure: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  }
}
