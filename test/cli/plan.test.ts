import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { differenceText, planLines, slotsText } from '../../src/cli/plan-view.ts';
import { problem } from '../../src/core/errors.ts';
import type { PlannedChange } from '../../src/core/job-plan.ts';
import type { PlanJson } from '../../src/core/views.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, fileWith } from './run-cli.ts';

const file = 'name: shop\ntasks: {web: {image: busybox}}\n';

const nothing: PlanJson = {
  index: 7,
  job: 'shop',
  change: 'unchanged',
  changes: [{ action: 'keep', slot: 'shop/web.1', node: 'bar', reason: 'nothing about it changes' }],
  unplaced: [],
  preempted: [],
  diff: [],
  warnings: [],
};

const much: PlanJson = {
  ...nothing,
  change: 'updated',
  changes: [
    { action: 'update', slot: 'shop/web.1', node: 'foo', from: 'bar', reason: 'image differs', score: 0.5 },
    { action: 'update', slot: 'shop/web.2', node: 'foo', from: 'bar', reason: 'image differs', score: 0.6 },
    { action: 'keep', slot: 'shop/web.3', node: 'bar', reason: 'nothing about it changes' },
    { action: 'place', slot: 'shop/web.4', node: 'bar', reason: 'one instance more' },
    { action: 'place', slot: 'shop/web.5', node: null, reason: 'one instance more; no node can take it now' },
    { action: 'place', slot: 'shop/web.6', node: null, reason: 'one instance more; no node can take it now' },
    { action: 'stop', slot: 'shop/db.1', node: 'bar', reason: 'the job has no task "db" any more' },
  ],
  unplaced: ['shop/web.5', 'shop/web.6'].map((slot) => ({
    slot,
    reasons: [
      { filter: 'memory', nodes: 3, detail: 'not enough memory' },
      { filter: 'state', nodes: 1, detail: 'down' },
    ],
  })),
  preempted: [{ slot: 'sums/t.1', node: 'bar', reason: 'preempted by shop/web.4 (priority 60)' }],
  diff: [{ path: 'tasks.web.image', from: 'busybox:1', to: 'busybox:2' }],
  warnings: ['no node has label.disk'],
};

async function planning(t: TestContext, plan: PlanJson) {
  const manager = await FakeManager.start(t);
  manager.answers.set('POST /v1/plan', () => plan);
  return { manager, env: { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret') } };
}

test('a plan without changes is exit 0, and says so', async (t) => {
  const { manager, env } = await planning(t, nothing);
  const { code, stdout, stderr } = await cube(['plan', fileWith(t, 'job.yaml', file)], { env });
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, 'shop would not change: 1 to keep\n= 1 slot stays as it is\n');
  const [seen] = manager.seen;
  assert.deepEqual([seen!.method, seen!.path, seen!.authorization], ['POST', '/v1/plan', 'Bearer secret']);
  assert.deepEqual(seen!.body, { job: { name: 'shop', tasks: { web: { image: 'busybox' } } }, origin: { kind: 'file' } });
});

test('a plan with changes is exit 10; the last line tells how to do just that', async (t) => {
  const { env } = await planning(t, much);
  const path = fileWith(t, "it's a job.yaml", file);
  const { code, stdout, stderr } = await cube(['plan', path], { env });
  assert.equal(code, 10);
  assert.match(stdout, /^shop would change: 3 to place, 2 to update, 1 to stop, 1 to keep\n/);
  assert.equal(
    stderr,
    `warning: no node has label.disk\nto do this and nothing else: cube submit '${path.replace("'", String.raw`'\''`)}' --check-index 7\n`,
  );
  const stdin = await cube(['plan', '-'], { env, input: file });
  assert.match(stdin.stderr, /: cube submit - --check-index 7\n$/);
});

test('what a submit would warn of is told with every plan, one without changes and one with -q included', async (t) => {
  const warnings = ['the update of version 2 waits for `cube promote shop`'];
  const { env } = await planning(t, { ...nothing, warnings });
  for (const args of [[], ['-q']]) {
    const { code, stderr } = await cube(['plan', '-', ...args], { env, input: file });
    assert.deepEqual([code, stderr], [0, `warning: ${warnings[0]}\n`]);
  }
  assert.deepEqual((JSON.parse((await cube(['plan', '-', '-o', 'json'], { env, input: file })).stdout) as PlanJson).warnings, warnings);
});

test('with -o json it is the document and nothing else; -q names the slots that change', async (t) => {
  const { env } = await planning(t, much);
  const json = await cube(['plan', '-', '-o', 'json'], { env, input: file });
  assert.equal(json.code, 10);
  assert.deepEqual(JSON.parse(json.stdout), much);
  assert.equal(json.stdout.trimEnd().split('\n').length, 1);
  const quiet = await cube(['plan', '-', '-q'], { env, input: file });
  assert.deepEqual([quiet.code, quiet.stdout.split('\n').slice(0, 2)], [10, ['shop/web.1', 'shop/web.2']]);
  assert.ok(!quiet.stdout.includes('shop/web.3'));
});

test('a wrong file is exit 2 and sends nothing; a conflict is exit 5', async (t) => {
  const { manager, env } = await planning(t, nothing);
  const wrong = await cube(['plan', '-'], { env, input: 'name: a\ntasks: {t: {image: x, cuont: 3}}\n' });
  assert.deepEqual([wrong.code, wrong.stdout, manager.seen], [2, '', []]);
  assert.match(wrong.stderr, /stdin:2:\d+: .*count/);
  assert.equal((await cube(['plan', 'no-such.yaml'], { env })).code, 2);
  assert.equal((await cube(['plan'], { env })).code, 2);
  manager.answers.set('POST /v1/plan', () => problem('conflict', 'it was expected at index 3'));
  const conflict = await cube(['plan', '-', '--check-index', '3', '--strict'], { env, input: file });
  assert.equal(conflict.code, 5);
  assert.deepEqual(
    manager.seen.map(({ body }) => body),
    [{ job: { name: 'shop', tasks: { web: { image: 'busybox' } } }, origin: { kind: 'file' }, checkIndex: 3, strict: true }],
  );
});

const plainly = (text: string): string => text;

test('what changes is grouped by task, node and reason; what stays is counted, or listed when asked for', () => {
  assert.deepEqual(planLines(much, plainly, false), [
    'shop would change: 3 to place, 2 to update, 1 to stop, 1 to keep',
    '',
    'what becomes of its slots:',
    '    SLOT           NODE         WHY',
    '+   shop/web.4     bar          one instance more',
    '+   shop/web.5-6   (nowhere)    one instance more; no node can take it now',
    '~   shop/web.1-2   bar -> foo   image differs',
    '-   shop/db.1      bar          the job has no task "db" any more',
    '= 1 slot stays as it is',
    '',
    'stopped to make room:',
    '  sums/t.1 on bar: preempted by shop/web.4 (priority 60)',
    '',
    'what differs:',
    '  ~ tasks.web.image: "busybox:1" -> "busybox:2"',
    '',
    'no node can take now:',
    '  shop/web.5-6',
    '    3 nodes: memory: not enough memory',
    '    1 node: state: down',
  ]);
  const all = planLines(much, plainly, true);
  assert.ok(all.includes('=   shop/web.3     bar          nothing about it changes'));
  assert.ok(!all.some((line) => line.includes('stays as it is')));
});

test('signs carry their colours', () => {
  const marked = planLines(much, (text, tone) => `<${tone}>${text}</>`, true);
  for (const part of ['<good>+</>', '<busy>~</>', '<bad>-</>', '<dim>=</>'])
    assert.ok(
      marked.some((line) => line.includes(part)),
      part,
    );
});

test('slots of one task are written in short', () => {
  const slots = (...indexes: number[]): string[] => indexes.map((index) => `shop/web.${index}`);
  assert.equal(slotsText(slots(4)), 'shop/web.4');
  assert.equal(slotsText(slots(10, 2, 1, 3, 9)), 'shop/web.1-3,9-10');
});

test('what differs is written as a job file would say it, on one line', () => {
  const line = (path: string, from: unknown, to: unknown): string => differenceText({ path, from, to }, plainly);
  assert.equal(line('tasks.web.resources.memoryBytes', 0, 2 ** 27), '  ~ tasks.web.resources.memoryBytes: 0 B -> 128 MiB');
  assert.equal(line('tasks.web.stopGraceMs', 10_000, 90_000), '  ~ tasks.web.stopGraceMs: 10s -> 1m 30s');
  assert.equal(line('tasks.web.user', null, '101'), '  + tasks.web.user: "101"');
  assert.equal(line('tasks.db', { image: 'postgres', count: 2 }, null), '  - tasks.db: 2 instances of postgres');
  assert.equal(line('tasks.web.env.A', 'x', 'a\nb\u001b'), '  ~ tasks.web.env.A: "x" -> "a\\nb\\u001b"');
  const constraint = { text: 'arch == x64', attribute: 'arch', operator: '==', values: ['x64'] };
  assert.equal(line('tasks.web.constraints', null, [constraint]), '  + tasks.web.constraints: [arch == x64]');
  assert.equal(line('tasks.web.command', ['a'], ['a', 'b c']), '  ~ tasks.web.command: ["a"] -> ["a", "b c"]');
});

test('a plan with a hundred thousand slots is written in no time', () => {
  const changes = Array.from({ length: 100_000 }, (_, at): PlannedChange => {
    return { action: 'place', slot: `shop/web.${at + 1}`, node: `n${at % 3}`, reason: 'the job is new' };
  });
  assert.ok(planLines({ ...much, changes }, plainly, false).length < 20);
});
