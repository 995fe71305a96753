/**
 * Random runs, one a seed. CUBE_SEEDS=n runs n of them instead of 1,000; CUBE_SEED=s begins at s, and runs that one alone unless told
 * how many.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeeds } from './many-seeds.ts';

const defaultRuns = 1_000;

function wholeNumber(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  assert.match(text, /^\d+$/, `${name} needs a whole number, not "${text}"`);
  return Number(text);
}

const begin = wholeNumber('CUBE_SEED');
const first = begin ?? 1;
const count = wholeNumber('CUBE_SEEDS') ?? (begin === undefined ? defaultRuns : 1);

/** Transitions that were met, over all runs. */
const met = new Set<string>();

test(`whatever goes wrong, nothing promised is broken, and all comes right in the end (seeds ${first} to ${first + count - 1})`, async () => {
  const runs = await runSeeds({ first, count });
  for (const run of runs) for (const transition of run.met) met.add(transition);
  assert.equal(runs.length, count);
  const failed = runs.filter(({ failure }) => failure !== undefined);
  const seeds = failed.map(({ seed }) => seed).join(', ');
  if (failed.length > 0) assert.fail(`${failed.length} of ${count} seeds failed: ${seeds}\n\n${failed[0]!.failure}`);
});

test('many runs meet every kind of trouble', { skip: count < defaultRuns && 'too few runs for that' }, () => {
  const expected = [
    'task order.create pending',
    'task order.stop stopped',
    'task node.down unreachable',
    'task report.running running',
    'task report.healthy running.healthy',
    'task report.unhealthy running.unhealthy',
    'task report.backingOff backingOff',
    'task report.completed completed',
    'task report.failed failed',
    'task report.rejected rejected',
    'task report.stopped stopped',
    'job tasks.short degraded',
    'job tasks.gone stopped',
    'job job.purged none',
    'node deadline.suspect suspect',
    'node deadline.down down',
    'node node.bye away',
    'node manager.recovered joining',
  ];
  assert.deepEqual(
    expected.filter((event) => !met.has(event)),
    [],
  );
});
