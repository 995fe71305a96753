import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainLines } from '../../src/cli/commands/explain.ts';
import { createLiveView } from '../../src/cli/live-view.ts';
import { jobLines, taskLines, thingLines } from '../../src/cli/status-view.ts';
import { alignTable, fitTable } from '../../src/cli/table.ts';
import { currentTasks } from '../../src/cli/tasks.ts';
import { ago, parseSince } from '../../src/cli/time.ts';
import { aDeployment, aJob, aNode, aStatus, aTask, anEvent, at } from './samples.ts';

const plain = (text: string): string => text;
const options = { nowMs: Date.parse(at) + 120_000, paint: plain, all: false };

test('columns are as wide as their widest cell, colours not counted', () => {
  const bold = (text: string): string => `<${text}>`;
  assert.deepEqual(
    alignTable(
      ['A', 'LONG'],
      [
        ['abc', 'x'],
        [['d', 'good'], ''],
      ],
      bold,
    ),
    ['<A>     <LONG>', 'abc   x', '<d>'],
  );
});

test('a cell with line breaks or tabs stays on its line', () => {
  assert.deepEqual(alignTable(['WHY'], [['one\ntwo\tthree']]), ['WHY', 'one two three']);
});

test('a table that is too wide for its terminal loses its empty columns, and the end of its last one', () => {
  const lines = (columns: number | undefined, ports = ''): string[] => {
    const rows = [
      ['shop/web.1', ports, ['\u{1F600} no space left on the disk of this node', 'bad'] as const],
      ['shop/web.2', '', 'well'],
    ];
    return alignTable(...fitTable(['NAME', 'PORTS', 'REASON'], rows, columns));
  };
  const whole = 'shop/web.1           \u{1F600} no space left on the disk of this node';
  assert.equal(lines(undefined)[1], whole);
  assert.equal(lines(whole.length)[1], whole);
  assert.deepEqual(lines(40), ['NAME         REASON', 'shop/web.1   \u{1F600} no space left on the dis…', 'shop/web.2   well']);
  assert.equal(lines(40, '80')[1], 'shop/web.1   80      \u{1F600} no space left on…');
  assert.equal(lines(10)[1], 'shop/web.1   \u{1F600} no space left on…', 'something of it is always shown');
});

test('a table of nothing is its header', () => {
  assert.deepEqual(alignTable(['ID', 'NAME'], []), ['ID   NAME']);
});

test('a table may have more rows than a call takes arguments', () => {
  const lines = alignTable(
    ['N', 'X'],
    Array.from({ length: 200_000 }, (_, row) => [String(row), 'x']),
  );
  assert.deepEqual([lines.length, lines[0], lines[1]], [200_001, 'N        X', '0        x']);
});

test('the status of very many tasks is shown', () => {
  const tasks = Array.from({ length: 160_000 }, (_, row) => aTask({ id: `task-${row}`, slot: `shop/web.${row + 1}` }));
  assert.equal(taskLines(aStatus([aJob()], tasks), options).length, 160_001);
});

test("status has the seeds' header, short ids and relative times", () => {
  const [head, row] = taskLines(aStatus([aJob()], [aTask()]), options);
  assert.equal(head!.split(/\s+/).join(' '), 'ID NAME CREATED STATE CONTAINERNAME IMAGE NODE');
  assert.equal(
    row!.split(/\s{2,}/).join('|'),
    '11111111|shop/web.1|2 minutes ago|running|cube-shop-web-1-111111111111-1|busybox:latest|bar',
  );
});

test('status leaves out ended tasks that were replaced, unless all are asked for', () => {
  const tasks = [aTask({ id: 'a', state: 'failed', createdAt: '2026-01-31T11:00:00.000Z' }), aTask({ id: 'b' })];
  assert.equal(taskLines(aStatus([], tasks), options).length, 2);
  assert.equal(taskLines(aStatus([], tasks), { ...options, all: true }).length, 3);
});

test('an old task that still runs is shown beside its replacement, and slots count as numbers', () => {
  const tasks = [
    aTask({ id: 'new', createdAt: '2026-01-31T13:00:00.000Z' }),
    aTask({ id: 'old', state: 'unreachable' }),
    aTask({ id: 'ten', slot: 'shop/web.10' }),
    aTask({ id: 'two', slot: 'shop/web.2' }),
  ];
  assert.deepEqual(
    currentTasks(tasks).map((task) => task.id),
    ['old', 'new', 'two', 'ten'],
  );
});

test('a line a job counts what its type is about', () => {
  const jobs = [
    aJob({ desired: 3, running: 2 }),
    aJob({ name: 'sums', type: 'batch', status: 'completed', desired: 5, completed: 5, running: 0 }),
  ];
  const [, shop, sums] = jobLines(jobs, options);
  assert.match(shop!, /shop +service +running +2\/3/);
  assert.match(sums!, /sums +batch +completed +5\/5/);
});

test('one job shows why its tasks are not there', () => {
  const status = aStatus([aJob({ status: 'deploying' })], [aTask({ state: 'pending', node: null, reason: 'not enough cpu on 1 node' })]);
  const text = thingLines({ kind: 'job', status }, [], options).join('\n');
  assert.match(text, /status: +deploying/);
  assert.match(text, /shop\/web\.1 +pending +0 +not enough cpu on 1 node/);
});

test('one job shows what it waits for when there is no task to tell it', () => {
  const text = thingLines(
    { kind: 'job', status: aStatus([aJob({ status: 'pending', reason: 'web waits for db to be healthy' })], []) },
    [],
    options,
  );
  assert.match(text.join('\n'), /reason: +web waits for db to be healthy/);
});

test('the version of each task is shown while there are several, or an update is under way', () => {
  const lines = (version: number, deployment: Parameters<typeof aDeployment>[0]) => {
    const tasks = [aTask({ id: 'a' }), aTask({ id: 'b', slot: 'shop/web.2', version })];
    return thingLines({ kind: 'job', status: aStatus([aJob({ deployment: aDeployment(deployment) })], tasks) }, [], options).join('\n');
  };
  assert.doesNotMatch(lines(1, { state: 'succeeded' }), /VERSION/);
  assert.match(lines(1, { state: 'rolling' }), /ID +NAME +VERSION +STATE/);
  assert.match(lines(2, { state: 'succeeded' }), /a +shop\/web\.1 +1 +running[^\n]*\nb +shop\/web\.2 +2 +running/);
  assert.doesNotMatch(thingLines({ kind: 'job', status: aStatus([aJob()], []) }, [], options).join('\n'), /VERSION/);
});

test('what a version failed of is shown beside what runs, until a newer one begins', () => {
  const failed = aTask({ id: 'bad', version: 2, state: 'failed', exitCode: 3, createdAt: '2026-01-31T11:00:00.000Z' });
  const earlier = { ...failed, id: 'earlier', exitCode: 4, createdAt: '2026-01-31T10:00:00.000Z' };
  const other = { ...failed, id: 'other', version: 1 };
  const text = (deployment: Parameters<typeof aDeployment>[0]) => {
    const status = aStatus([aJob({ deployment: aDeployment(deployment) })], [aTask({ id: 'good', version: 3 }), failed, earlier, other]);
    return thingLines({ kind: 'job', status }, [], options).join('\n');
  };
  for (const state of ['rolling', 'succeeded'] as const) {
    const shown = text({ version: 3, rollbackOf: 2, state });
    assert.match(shown, /bad +shop\/web\.1 +2 +failed .*exit code 3\ngood +shop\/web\.1 +3 +running/);
    assert.doesNotMatch(shown, /earlier|other/);
  }
  for (const state of ['failed', 'paused'] as const) assert.match(text({ version: 2, state }), /^bad /m);
  assert.doesNotMatch(text({ version: 3, state: 'succeeded' }), /^bad /m);
});

test('one task shows its timeline, with what led from state to state', () => {
  const events = [anEvent(), anEvent({ seq: 2, at: '2026-01-31T12:00:01.500Z', from: 'scheduled', to: 'running', cause: 'started' })];
  const text = thingLines({ kind: 'task', status: aStatus([aJob()], [aTask()]) }, events, options).join('\n');
  assert.match(text, /task: +11111111-1111-4111-8111-111111111111/);
  assert.match(text, /\+1\.500s +scheduled +running +started/);
});

test('health is shown beside the state where something looks after it, and the digest on the page of the task', () => {
  const tasks = [
    aTask({ id: 'a', slot: 'shop/web.1', health: 'healthy', hasCheck: true, digest: 'nginx@sha256:abc' }),
    aTask({ id: 'b', slot: 'shop/web.2', health: 'unhealthy', hasCheck: true }),
    aTask({ id: 'c', slot: 'shop/web.3', hasCheck: true }),
    aTask({ id: 'd', slot: 'shop/web.4' }),
  ];
  const list = taskLines(aStatus([], tasks), options).join('\n');
  for (const word of ['running (healthy)', 'running (unhealthy)', 'running (unknown)']) assert.ok(list.includes(word), word);
  assert.match(list, /web\.4 .*running  /);
  const page = (task: (typeof tasks)[0]): string => thingLines({ kind: 'task', status: aStatus([aJob()], [task]) }, [], options).join('\n');
  assert.match(page(tasks[0]!), /health: +healthy\n(.|\n)*digest: +nginx@sha256:abc/);
  assert.match(page(tasks[3]!), /health: +no check/);
  assert.doesNotMatch(page(tasks[3]!), /digest/);
});

test('one node shows what is reserved of what it has', () => {
  const text = thingLines({ kind: 'node', node: aNode(), status: aStatus([], [aTask()]) }, [], options).join('\n');
  assert.match(text, /memory: +1\.5 GiB\/8 GiB reserved/);
  assert.match(text, /custom: +0\/2 gpu/);
  assert.match(text, /tasks: +1 running/);
});

test('explain lists every node, the feasible ones first by score, and marks the pick', () => {
  const lines = explainLines(
    {
      task: 'x',
      slot: 'shop/web.1',
      state: 'running',
      picked: 'b',
      reasons: [],
      nodes: [
        { node: 'a', feasible: false, filter: 'cpu', detail: 'needs 4 cores, 1 is free' },
        { node: 'c', feasible: true, score: 0.5, terms: { cpu: 0.4, memory: 0.1 } },
        { node: 'b', feasible: true, score: 0.25, terms: { cpu: 0.2, memory: 0.05 } },
      ],
    },
    plain,
  );
  assert.match(lines[0]!, /NODE +VERDICT +SCORE +CPU +MEMORY +DETAIL/);
  assert.match(lines[1]!, /^\* +b +feasible +0\.25 +0\.2 +0\.05/);
  assert.match(lines[2]!, /^ +c +feasible/);
  assert.match(lines[3]!, /^ +a +filtered: cpu +needs 4 cores, 1 is free/);
  assert.equal(lines.at(-1), 'shop/web.1 is running: picked b');
});

test('a task that no node takes is told with the reasons, most nodes first', () => {
  const reasons = [{ filter: 'cpu' as const, nodes: 3, detail: 'needs 4 cores' }];
  const lines = explainLines({ task: 'x', slot: 'shop/web.1', state: 'pending', picked: null, reasons, nodes: [] }, plain);
  assert.deepEqual(lines.slice(-2), ['shop/web.1 is pending: no node was picked', '  3 nodes: cpu: needs 4 cores']);
});

test('times are told in one unit and never in the future', () => {
  const now = Date.parse(at);
  assert.equal(ago(at, now), 'now');
  assert.equal(ago(at, now - 5_000), 'now');
  assert.equal(ago(at, now + 1_000), '1 second ago');
  assert.equal(ago(at, now + 7_200_000), '2 hours ago');
  assert.equal(ago(at, now + 86_400_000), '1 day ago');
  assert.equal(ago(null, now), '');
});

test('--since takes a duration or a time', () => {
  assert.equal(parseSince('5m', 1_000_000), 700_000);
  assert.equal(parseSince(at, 0), Date.parse(at));
  for (const bad of ['yesterday', '5', '', '2026-99-99']) assert.throws(() => parseSince(bad, 0), /--since takes/);
});

/** What a terminal of some rows was sent, with the escapes made readable. */
function drawing(rows: number, columns?: number) {
  const sent: string[] = [];
  const view = createLiveView({
    rows,
    ...(columns === undefined ? {} : { columns }),
    write: (text: string) => sent.push(text.replaceAll(String.fromCodePoint(27), '^')),
  });
  return { view, sent };
}

test('a live view erases as many lines as it drew before', () => {
  const { view, sent } = drawing(24);
  view.show(['one', 'two']);
  view.show(['three']);
  view.clear();
  view.clear();
  view.show(['four']);
  assert.deepEqual(sent, ['^[?7lone\ntwo\n^[?7h', '^[2A^[0J^[?7lthree\n^[?7h', '^[1A^[0J', '^[?7lfour\n^[?7h']);
});

test('a live view never draws more than the terminal can erase', () => {
  const { view, sent } = drawing(4);
  view.show(['a', 'b', 'c', 'd', 'e']);
  assert.equal(sent[0], '^[?7la\nb\n... and 3 more lines\n^[?7h');
  view.show(['a']);
  assert.ok(sent[1]!.startsWith('^[3A'));
});

test('a live view cuts lines to the width of the terminal, colours not counted', () => {
  const red = (text: string): string => `\u001B[31m${text}\u001B[39m`;
  const { view, sent } = drawing(24, 5);
  view.show([`ab ${red('cdef')} gh`, `${red('\u{1F600}b')}cde`, 'abcdef', '']);
  assert.equal(sent[0], '^[?7lab ^[31mcd^[39m\n^[31m\u{1F600}b^[39mcde\nabcde\n\n^[?7h');
  const unknown = drawing(24, 0);
  unknown.view.show(['abcdef']);
  assert.equal(unknown.sent[0], '^[?7labcdef\n^[?7h');
});

test('what others wrote cannot command the terminal', () => {
  const evil = `x${String.fromCodePoint(27)}[2Jy${String.fromCodePoint(0x9b)}z`;
  assert.deepEqual(alignTable(['WHY'], [[evil]]), ['WHY', 'x [2Jy z']);
});
