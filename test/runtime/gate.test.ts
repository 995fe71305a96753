import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Started } from '../../src/ports/runtime.ts';
import { abortable, deferred, isAbort, sleep, within } from '../../src/runtime/abort.ts';
import type { Deferred } from '../../src/runtime/abort.ts';
import { Gate } from '../../src/runtime/gate.ts';
import { Starts } from '../../src/runtime/starts.ts';
import { manualClock } from './manual-clock.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a gate lets in as many as it has places, first come first served', async () => {
  const gate = new Gate(2);
  const entered: number[] = [];
  const leave: Deferred<void>[] = [];
  const runs = [0, 1, 2, 3].map((index) => {
    leave.push(deferred());
    return gate.run(async () => {
      entered.push(index);
      await leave[index]!.promise;
    });
  });
  await settle();
  assert.deepEqual(entered, [0, 1]);
  leave[1]!.resolve();
  await settle();
  assert.deepEqual(entered, [0, 1, 2]);
  for (const one of leave) one.resolve();
  await Promise.all(runs);
  assert.deepEqual(entered, [0, 1, 2, 3]);
});

test('who is aborted leaves the queue, and one that fails gives its place back', async () => {
  const gate = new Gate(1);
  const hold = deferred<void>();
  const first = gate.run(() => hold.promise);
  const abort = new AbortController();
  let ran = false;
  const second = gate.run(async () => {
    ran = true;
  }, abort.signal);
  const third = gate.run(async () => {
    throw new Error('mine');
  });
  const fourth = gate.run(async () => 'in');
  abort.abort();
  await assert.rejects(second, { name: 'AbortError' });
  hold.resolve();
  await first;
  await assert.rejects(third, { message: 'mine' });
  assert.equal(await fourth, 'in');
  assert.equal(ran, false);
  await assert.rejects(
    gate.run(async () => 'never', AbortSignal.abort()),
    isAbort,
  );
});

test('whatever comes, goes and is aborted, a gate never holds more than its places and never gets stuck', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ ms: fc.nat(5), abortAt: fc.option(fc.nat(6)), fails: fc.boolean() }), { maxLength: 15 }),
      async (places, tasks) => {
        const clock = manualClock();
        const gate = new Gate(places);
        let inside = 0;
        let most = 0;
        let settled = 0;
        for (const { ms, abortAt, fails } of tasks) {
          const abort = new AbortController();
          if (abortAt !== null) clock.setTimeout(() => abort.abort(), abortAt);
          const run = gate.run(async () => {
            most = Math.max(most, ++inside);
            await sleep(clock, ms, new AbortController().signal);
            inside--;
            if (fails) throw new Error('fails');
          }, abort.signal);
          run.then(
            () => settled++,
            () => settled++,
          );
        }
        await clock.pass(200);
        assert.equal(settled, tasks.length);
        assert.ok(most <= places);
        assert.equal(await gate.run(async () => 'free'), 'free');
      },
    ),
    { numRuns: 50 },
  );
});

test('a sleep ends when its time has come or it is aborted, and leaves no timer', async () => {
  const clock = manualClock();
  const abort = new AbortController();
  const long = sleep(clock, 100, abort.signal);
  const short = sleep(clock, 10, abort.signal);
  await clock.pass(10);
  await short;
  abort.abort('enough');
  await assert.rejects(long, { name: 'AbortError', cause: 'enough' });
  await assert.rejects(sleep(clock, 1, abort.signal), isAbort);
});

test('a promise that is left fails nobody when it rejects later', async () => {
  const late = deferred<string>();
  const abort = new AbortController();
  const left = abortable(late.promise, abort.signal);
  abort.abort();
  await assert.rejects(left, isAbort);
  late.reject(new Error('too late'));
  await settle();
  const clock = manualClock();
  const slow = deferred<string>();
  const bounded = within(clock, 10, slow.promise);
  await clock.pass(10);
  assert.equal(await bounded, undefined);
  slow.reject(new Error('too late'));
  await settle();
  await assert.rejects(within(clock, 10, Promise.reject(new Error('in time'))), { message: 'in time' });
});

test('a start that was aborted before it began is begun anew by whoever else wanted it', async () => {
  const starts = new Starts();
  const abort = new AbortController();
  let begun = 0;
  const begin = async (signal: AbortSignal): Promise<Started> => {
    const mine = ++begun;
    await settle();
    if (signal.aborted) throw Object.assign(new Error('left'), { name: 'AbortError' });
    return { startedAt: mine, hasCheck: false };
  };
  const first = starts.run('a', abort.signal, begin);
  const second = starts.run('a', new AbortController().signal, begin);
  const other = starts.run('b', new AbortController().signal, begin);
  abort.abort();
  await assert.rejects(first, isAbort);
  assert.equal((await second).startedAt, 3);
  assert.equal((await other).startedAt, 2);
  await starts.settled('a');
});

test('whoever waits for a start to be over does not hear how it ended', async () => {
  const starts = new Starts();
  const failing = deferred<Started>();
  const start = starts.run('a', new AbortController().signal, () => failing.promise);
  let isOver = false;
  const over = starts.settled('a').then(() => {
    isOver = true;
  });
  await settle();
  assert.equal(isOver, false);
  failing.reject(new Error('port taken'));
  await assert.rejects(start, { message: 'port taken' });
  await over;
  await starts.settled('never started');
});
