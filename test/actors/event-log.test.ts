/** Events from the turn that makes them to who follows: however many there are at once. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { EventLog } from '../../actors/manager/event-log.ts';
import { Ledger } from '../../actors/manager/ledger.ts';
import { ClusterState } from '../../actors/manager/state.ts';
import type { ClusterEvent } from '../../src/core/events.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { createSimClock } from '../sim/clock.ts';

/** A call takes no more arguments than this, with the stack that Node.js has. */
const moreThanFitACall = 130_000;

/** A ledger on an empty disk, whose events somebody may read. */
async function opened(eventsMax: number) {
  const limits = limitsWith({ eventsMax, eventsPageMax: 2 * moreThanFitACall });
  const store = openMemoryStore({ limits });
  await store.load();
  const log = await EventLog.open(store, limits);
  const defects: string[] = [];
  const clock = createSimClock();
  const ledger = new Ledger({
    state: new ClusterState(),
    store,
    clock,
    epoch: { generation: 1, revision: 1 },
    revision: 0,
    eventSeq: 0,
    publish: (events) => log.publish(events),
    onFailure: (reason) => void defects.push(reason),
    onDefect: (error) => void defects.push(error.message),
  });
  /** One turn of so many transitions; settles when they are on disk and told. */
  const turn = (count: number): Promise<unknown> => {
    for (let at = 0; at < count; at++) {
      ledger.note({
        machine: 'task',
        id: `task-${at}`,
        from: 'pending',
        to: 'scheduled',
        event: 'order.place',
        cause: 'a place was found',
      });
    }
    const told = new Promise((resolve, reject) => ledger.then(resolve, reject));
    ledger.settle();
    return told;
  };
  const read = (follow: boolean): AsyncGenerator<ClusterEvent> => log.read({ follow, signal: new AbortController().signal }, clock.now());
  return { turn, read, defects };
}

/** The numbers of the next events; fewer when they end. */
async function numbers(events: AsyncGenerator<ClusterEvent>, count: number): Promise<number[]> {
  const seen: number[] = [];
  while (seen.length < count) {
    const { value, done } = await events.next();
    if (done) break;
    seen.push(value.seq);
  }
  return seen;
}

const counted = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

test('more events at once than fit a call reach their follower, every one in its order, and are there to be read later', async () => {
  const { turn, read, defects } = await opened(2 * moreThanFitACall);
  await turn(1);
  const follower = read(true);
  assert.deepEqual(await numbers(follower, 1), [1]);
  const rest = numbers(follower, moreThanFitACall);
  await turn(moreThanFitACall);
  assert.deepEqual(await rest, counted(2, moreThanFitACall + 1));
  await follower.return(undefined);
  assert.deepEqual(await numbers(read(false), moreThanFitACall + 1), counted(1, moreThanFitACall + 1));
  assert.deepEqual(defects, []);
});

test('who is behind by more events than are kept is ended, and the others go on', async () => {
  const { turn, read, defects } = await opened(10);
  await turn(1);
  const [slow, quick] = [read(true), read(true)];
  assert.deepEqual([await numbers(slow, 1), await numbers(quick, 1)], [[1], [1]]);
  const wanted = numbers(quick, 12);
  await turn(6);
  await turn(6);
  assert.deepEqual(await wanted, counted(2, 13));
  assert.equal((await numbers(slow, 12)).length < 12, true);
  await quick.return(undefined);
  assert.deepEqual(defects, []);
});
