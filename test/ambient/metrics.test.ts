import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { extname } from 'node:path';
import { test } from 'node:test';
import { createMetrics } from '../../src/ambient/metrics.ts';

/** The samples of an exposition, without its comments. */
async function samples(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const { text } = await metrics.expose();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('an empty node has an empty exposition of the right type', async () => {
  const { text, contentType } = await createMetrics().expose();
  assert.equal(text.trim(), '');
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
});

test('counts add up, before and after somebody looked', async () => {
  const metrics = createMetrics();
  metrics.count('cube_submits_total', 'Jobs submitted.');
  metrics.count('cube_submits_total', 'Jobs submitted.', 2.5);
  assert.deepEqual(await samples(metrics), ['cube_submits_total 3.5']);
  metrics.count('cube_submits_total', 'Jobs submitted.');
  metrics.count('cube_later_total', 'Comes later.', 0);
  assert.deepEqual((await samples(metrics)).toSorted(), ['cube_later_total 0', 'cube_submits_total 4.5']);
});

test('help and type travel with the numbers', async () => {
  const metrics = createMetrics();
  metrics.count('cube_submits_total', 'Jobs submitted.');
  metrics.gauge('cube_tasks', 'Tasks by state.', () => 1);
  const { text } = await metrics.expose();
  assert.match(text, /# HELP cube_submits_total Jobs submitted\.\n# TYPE cube_submits_total counter/);
  assert.match(text, /# HELP cube_tasks Tasks by state\.\n# TYPE cube_tasks gauge/);
});

test('a gauge is read when somebody asks, not before', async () => {
  const metrics = createMetrics();
  let reads = 0;
  metrics.gauge('cube_reads', 'Reads.', () => ++reads);
  assert.equal(reads, 0);
  assert.deepEqual(await samples(metrics), ['cube_reads 1']);
  assert.deepEqual(await samples(metrics), ['cube_reads 2']);
});

test('a gauge with several values gives one line each, and what is gone is gone', async () => {
  const metrics = createMetrics();
  let states: Record<string, number> = { running: 3, 'a "quoted"\nstate': 1 };
  metrics.gauge('cube_tasks', 'Tasks by state.', () => states, 'state');
  assert.deepEqual(await samples(metrics), ['cube_tasks{state="running"} 3', 'cube_tasks{state="a \\"quoted\\"\\nstate"} 1']);
  states = { failed: 2 };
  assert.deepEqual(await samples(metrics), ['cube_tasks{state="failed"} 2']);
});

test('the later of two gauges of one name counts', async () => {
  const metrics = createMetrics();
  metrics.gauge('cube_tasks', 'Old.', () => 1);
  metrics.gauge('cube_tasks', 'New.', () => ({ a: 2 }));
  assert.deepEqual(await samples(metrics), ['cube_tasks{kind="a"} 2']);
});

test('a gauge that fails or gives no number hides no other and is counted', async () => {
  const metrics = createMetrics();
  metrics.gauge('cube_broken', 'Broken.', () => {
    throw new Error('gone');
  });
  metrics.gauge('cube_text', 'Text.', () => ({ a: 'no' }) as unknown as Record<string, number>);
  metrics.gauge('cube_fine', 'Fine.', () => 7);
  assert.deepEqual(await samples(metrics), ['cube_fine 7', 'cube_metrics_read_errors_total 2']);
});

test('what Prometheus would not take is refused where it is written', () => {
  const metrics = createMetrics();
  metrics.gauge('cube_tasks_total', 'Odd but fine.', () => 1);
  assert.throws(() => metrics.count('cube tasks_total', 'x'), /no name of a metric/);
  assert.throws(() => metrics.count('cube_tasks', 'x'), /ends in _total/);
  assert.throws(() => metrics.count('cube_tasks_total', 'x'), /both a counter and a gauge/);
  assert.throws(() => metrics.gauge('9lives', 'x', () => 9), /no name of a metric/);
  assert.throws(() => metrics.gauge('cube_a', 'x', () => 9, 'a-b'), /no name of a label/);
  metrics.count('cube_runs_total', 'x');
  assert.throws(() => metrics.gauge('cube_runs_total', 'x', () => 9), /both a counter and a gauge/);
  for (const by of [-1, Number.NaN, Infinity]) assert.throws(() => metrics.count('cube_runs_total', 'x', by), /may only rise/);
});

test('two nodes in one process count for themselves', async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.count('cube_submits_total', 'Jobs submitted.');
  two.count('cube_submits_total', 'Jobs submitted.', 5);
  assert.deepEqual([await samples(one), await samples(two)], [['cube_submits_total 1'], ['cube_submits_total 5']]);
});

test('prom-client is loaded when somebody first asks, and not before', () => {
  // Compiled tests have compiled modules beside them.
  const here = new URL(`../../src/ambient/metrics${extname(import.meta.filename)}`, import.meta.url).href;
  const script = `
    const { createMetrics } = await import(${JSON.stringify(here)});
    const { createRequire } = await import('node:module');
    const loaded = () => Object.keys(createRequire(${JSON.stringify(import.meta.url)}).cache).some((path) => path.includes('prom-client'));
    const metrics = createMetrics();
    metrics.count('cube_a_total', 'A.');
    const before = loaded();
    await metrics.expose();
    process.stdout.write(JSON.stringify([before, loaded()]));`;
  const answer = execFileSync(process.execPath, [
    ...process.execArgv.filter((each) => !each.startsWith('--test')),
    '--input-type=module',
    '-e',
    script,
  ]);
  assert.deepEqual(JSON.parse(answer.toString()), [false, true]);
});
