/** A job of very many instances costs the manager no timer a task: deadlines lie in its heap, and one timer waits for the next of them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { service } from '../sim/scripts.ts';
import { startFleet, wide, type Fleet } from './fleet.ts';

const [count, nodes, parallel] = [10_000, 50, 500];
/** Timers that the manager may hold beside those of its links, however many tasks there are. */
const handful = 8;

/** Submits a version and waits until it is all there and nothing else is. */
async function roll(fleet: Fleet, mode: string): Promise<void> {
  const spec = wide(service('many'), count, parallel, mode);
  const { job } = await fleet.answer(fleet.control.submit({ spec, origin: { kind: 'file' } }));
  await fleet.until(`version ${job.version} is there`, () => fleet.job('many')?.deployment?.state === 'succeeded');
  await fleet.until('the ones before have stopped', () =>
    fleet.tasks().every(({ state, desired }) => state !== 'running' || desired === 'running'),
  );
}

test(`${count} instances are deployed, and rolled to a second version, with no timer a task`, async () => {
  const fleet = await startFleet(nodes);
  const { timers } = fleet;
  const atRest = timers.outstanding;
  timers.most = 0;
  await roll(fleet, 'one');
  const first = fleet.tasks();
  assert.deepEqual([first.length, first.filter(({ state, health }) => state === 'running' && health === 'healthy').length], [count, count]);
  assert.ok(timers.most <= atRest + handful, `${timers.most} timers at once, ${atRest} at rest`);

  await roll(fleet, 'two');
  const running = fleet.tasks().filter(({ state }) => state === 'running');
  assert.deepEqual([running.length, running.every(({ version }) => version === 2)], [count, true]);
  assert.equal(new Set(running.map(({ slot }) => slot)).size, count);
  assert.ok(timers.most <= atRest + handful, `${timers.most} timers at once, ${atRest} at rest`);
});
