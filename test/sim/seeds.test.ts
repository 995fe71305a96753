/**
 * Random runs (chaos.ts), one a seed. CUBE_SEEDS=n runs n of them instead of 200; CUBE_SEED=s begins at s, and runs that one alone
 * unless told how many.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeed } from './chaos.ts';

const defaultRuns = 200;
const groupSize = 25;

function wholeNumber(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  assert.match(text, /^\d+$/, `${name} needs a whole number, not "${text}"`);
  return Number(text);
}

const first = wholeNumber('CUBE_SEED');
const runs = wholeNumber('CUBE_SEEDS') ?? (first === undefined ? defaultRuns : 1);

/** Events that were met, over all runs. */
const met = new Set<string>();

for (let from = first ?? 1; from < (first ?? 1) + runs; from += groupSize) {
  const to = Math.min(from + groupSize, (first ?? 1) + runs) - 1;
  test(`whatever goes wrong, nothing promised is broken, and all comes right in the end (seeds ${from} to ${to})`, async () => {
    for (let seed = from; seed <= to; seed++) {
      const cluster = await runSeed(seed);
      for (const { machine, event, to: state } of cluster.manager.mirror.events) met.add(`${machine} ${event} ${state}`);
    }
  });
}

test('many runs meet every kind of trouble', { skip: runs < defaultRuns && 'too few runs for that' }, () => {
  const expected = [
    'task order.create pending',
    'task order.stop stopped',
    'task node.down unreachable',
    'task report.running running',
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
