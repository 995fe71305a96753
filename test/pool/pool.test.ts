import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { limitsWith } from '../../src/core/limits.ts';
import { openPool } from '../../src/pool/pool.ts';
import type { Log, Metrics } from '../../src/ports/ambient.ts';
import type { Scorer } from '../../src/ports/scorer.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { place } from '../../src/scheduling/place.ts';
import { aGroup, aNode, anAsk, aRequest, requestOf } from '../scheduling/build.ts';
import { mood } from './workers/moody.ts';

/** This file's ending is that of the workers, too: `.js` once compiled. */
const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

function urlOf(path: string): string {
  return new URL(`${path}.${ending}`, import.meta.url).href;
}

const request = requestOf(aRequest([aNode('a'), aNode('b')], [aGroup(3, anAsk({ cpu: 0.5 }))]));
const plan = place(request);
const madeByPool = { ...plan, cursor: mood.madeHere };

interface Watched {
  readonly scorer: Scorer;
  /** What the log warned of. */
  readonly warnings: string[];
  readonly counters: Record<string, number>;
  readonly threads: () => number;
}

/** A pool on one thread with the worker of that name, closed at the end of the test. */
function watchedPool(t: TestContext, worker: string, limits: Record<string, number> = {}): Watched {
  const warnings: string[] = [];
  const counters: Record<string, number> = {};
  let threads = (): number => -1;
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (message, fields) => warnings.push(`${message}: ${String(fields?.['why'])}`),
    error: (message) => assert.fail(message),
  };
  const metrics: Metrics = {
    count: (name, _help, by = 1) => {
      counters[name] = (counters[name] ?? 0) + by;
    },
    gauge: (_name, _help, read) => {
      threads = () => read() as number;
    },
    expose: () => Promise.reject(new Error('nobody asks')),
  };
  const scorer = openPool({ limits: limitsWith({ poolThreadsMax: 1, ...limits }), log, metrics, workerUrl: urlOf(`./workers/${worker}`) });
  t.after(() => scorer.close());
  return { scorer, warnings, counters, threads: () => threads() };
}

test('a batch is scored in a thread, which starts with the first one and ends with the pool', async (t) => {
  const { scorer, warnings, counters, threads } = watchedPool(t, 'moody');
  assert.equal(threads(), 0);
  assert.deepEqual(await scorer.score(request), madeByPool);
  assert.equal(threads(), 1);
  assert.deepEqual(await scorer.score(request), madeByPool);
  assert.equal(threads(), 1);
  await scorer.close();
  assert.equal(threads(), 0);
  assert.deepEqual(warnings, []);
  assert.deepEqual(counters, { cube_scorer_batches_total: 2 });
});

test('a batch is scored as its nodes were when it was asked for, also where the pool must be opened first', async (t) => {
  const { scorer } = watchedPool(t, 'moody');
  const table = NodeTable.of([aNode('a'), aNode('b')]);
  const asked = scorer.score({ ...request, table });
  for (const name of ['a', 'b']) table.put(aNode(name, { eligible: false }));
  assert.deepEqual(await asked, madeByPool);
});

test('an idle thread ends, and the next batch starts another', async (t) => {
  const { scorer, warnings, threads } = watchedPool(t, 'moody', { poolIdleMs: 1 });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await scorer.score(request), madeByPool);
    while (threads() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.deepEqual(warnings, []);
});

const accidents = [
  ['throws', 60_000, 'in no mood'],
  ['exits', 60_000, 'worker exited with code: 3'],
  ['hangs', 1_000, 'no plan within 1000 ms'],
  ['loops', 1_000, 'no plan within 1000 ms'],
] as const;

for (const [how, scoreMs, why] of accidents) {
  test(`a thread that ${how} costs nothing but a warning, and the pool is tried again`, async (t) => {
    const { scorer, warnings, counters } = watchedPool(t, 'moody', { scoreMs });
    assert.deepEqual(await scorer.score({ ...request, cursor: mood[how] }), place({ ...request, cursor: mood[how] }));
    assert.deepEqual(warnings, [`the scoring pool could not do this batch; it is scored inline: ${why}`]);
    assert.equal(counters['cube_scorer_fallbacks_total'], 1);
    // On a busy machine a new thread may need longer than a short scoreMs to start, so not only the very next batch counts.
    let answer = await scorer.score(request);
    for (let more = 0; more < 20 && answer.cursor !== mood.madeHere; more++) answer = await scorer.score(request);
    assert.deepEqual(answer, madeByPool);
  });
}

for (const [worker, why] of [
  // tsx cannot repeat the import by which piscina would get at the reason.
  ['broken', ending === 'ts' ? /broken from the start|Unknown file extension/ : /broken from the start/],
  ['leaving', /the scoring thread ended/],
  ['missing', /Cannot find module|ERR_MODULE_NOT_FOUND/],
] as const) {
  test(`threads that cannot start (${worker}) leave every batch to be scored inline, each with a warning`, async (t) => {
    const { scorer, warnings } = watchedPool(t, worker);
    for (let round = 1; round <= 2; round++) {
      assert.deepEqual(await scorer.score(request), plan);
      assert.equal(warnings.length, round);
      assert.match(warnings.at(-1)!, why);
    }
  });
}

test('batches that wait for a thread that dies are scored inline, and none waits for ever', async (t) => {
  const { scorer, warnings } = watchedPool(t, 'moody');
  const answers = await Promise.all([scorer.score({ ...request, cursor: mood.exits }), scorer.score(request), scorer.score(request)]);
  assert.deepEqual(answers, [place({ ...request, cursor: mood.exits }), plan, plan]);
  assert.equal(warnings.length, 3);
  assert.deepEqual(await scorer.score(request), madeByPool);
});

test('a queue that is full has the batch scored inline, says so, and keeps its thread', async (t) => {
  const { scorer, warnings } = watchedPool(t, 'moody', { poolQueueMax: 1 });
  const answers = await Promise.all([1, 2, 3, 4].map(() => scorer.score(request)));
  assert.deepEqual(answers, [madeByPool, madeByPool, plan, plan]);
  const warning = 'the scoring pool could not do this batch; it is scored inline: Task queue is at limit';
  assert.deepEqual(warnings, [warning, warning]);
});

test('more threads work side by side', async (t) => {
  const { scorer, warnings, threads } = watchedPool(t, 'moody', { poolThreadsMax: 2 });
  assert.deepEqual(await Promise.all([scorer.score(request), scorer.score(request)]), [madeByPool, madeByPool]);
  assert.equal(threads(), 2);
  assert.deepEqual(warnings, []);
});

test('no threads allowed means scored inline, without a warning', async (t) => {
  const { scorer, warnings } = watchedPool(t, 'missing', { poolThreadsMax: 0 });
  assert.deepEqual(await scorer.score(request), plan);
  assert.deepEqual(warnings, []);
});

test('closing answers what is under way, and warns of nothing', async (t) => {
  const { scorer, warnings, threads } = watchedPool(t, 'moody');
  const early = scorer.score(request);
  await scorer.close();
  assert.deepEqual(await early, plan);
  assert.deepEqual(await scorer.score(request), plan);
  assert.equal(threads(), 0);
  assert.deepEqual(warnings, []);
});

for (const how of ['closes', 'closes-under-way', 'leaves'] as const) {
  test(`a process with a pool that ${how === 'leaves' ? 'is idle' : how} ends by itself`, async () => {
    const args = [
      ...(ending === 'ts' ? ['--import', import.meta.resolve('tsx')] : []),
      fileURLToPath(urlOf('./children')),
      how,
      urlOf('./workers/moody'),
    ];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
    assert.deepEqual([stdout, stderr], [`scored 1 with ${mood.madeHere}\n`, '']);
  });
}
