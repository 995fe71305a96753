import assert from 'node:assert/strict';
import test from 'node:test';
import type { Output } from '../../src/cli/output.ts';
import { Progress } from '../../src/cli/progress.ts';
import type { StatusJson, TaskJson } from '../../src/core/views.ts';
import { aDeployment, aJob, aStatus, aTask } from './samples.ts';

test('what a task begins to do within a state is a line of its own, and how far it is is none', () => {
  const lines: string[] = [];
  const output = { liveNotes: () => undefined, note: (line: string) => void lines.push(line) } as unknown as Output;
  const progress = new Progress(output, new Set(), [], () => 0);
  for (const detail of [null, 'pulling app:1', 'pulling app:1 (40 %)', 'pulling app:1 (100 %)']) {
    const task = {
      id: 't',
      slot: 'shop/web.1',
      job: 'shop',
      state: 'preparing',
      health: 'unknown',
      node: 'w1',
      reason: null,
      restarts: 0,
      version: 1,
      detail,
    };
    progress.show({ index: 1, jobs: [], tasks: [task as unknown as TaskJson] } satisfies StatusJson);
  }
  assert.deepEqual(lines, ['shop/web.1 preparing on w1', 'shop/web.1 preparing on w1: pulling app:1']);
});

test('how far an update is gets a line whenever that changes; that it is paused is told by who ends the wait', () => {
  const lines: string[] = [];
  const output = { liveNotes: () => undefined, note: (line: string) => void lines.push(line) } as unknown as Output;
  const progress = new Progress(output, new Set(), [], () => 0);
  const show = (changes: Parameters<typeof aDeployment>[0]) =>
    progress.show(aStatus([aJob({ deployment: aDeployment({ version: 3, desired: 10, ...changes }) })], []));
  show({ updated: 0 });
  show({ updated: 2 });
  show({ updated: 2 });
  show({ state: 'awaitingPromotion', updated: 3 });
  show({ state: 'paused', updated: 3 });
  show({ state: 'rolling', rollbackOf: 2 });
  show({ state: 'succeeded', updated: 10 });
  assert.deepEqual(lines, [
    'shop: version 3: 2 of 10 updated',
    'shop: version 3: 3 of 10 updated; it waits for `cube promote shop`',
    'shop: version 3 (going back from version 2): 0 of 10 updated',
  ]);
});

function noting() {
  const lines: string[] = [];
  const output = { liveNotes: () => undefined, note: (line: string) => void lines.push(line) } as unknown as Output;
  return { lines, progress: new Progress(output, new Set(), [], () => 0) };
}

test('what a job waits for is told when none of its tasks tells it, and once', () => {
  const { lines, progress } = noting();
  const db = aTask({ id: 'db', task: 'db', slot: 'shop/db.1', state: 'starting', node: 'bar' });
  const waiting = aJob({ status: 'deploying', reason: 'web waits for db to be healthy' });
  progress.show(aStatus([waiting], [db]));
  progress.show(aStatus([waiting], [db]));
  progress.show(aStatus([{ ...waiting, reason: 'shop/web.1 is failed: exit code 3' }], [db, aTask({ state: 'failed', exitCode: 3 })]));
  progress.show(aStatus([{ ...waiting, status: 'failed', reason: 'attempts used up' }], [db]));
  assert.deepEqual(lines, ['shop/db.1 starting on bar', 'shop: web waits for db to be healthy', 'shop/web.1 failed: exit code 3']);
});

test('on a terminal it is drawn under the job', () => {
  const drawn: string[][] = [];
  const view = { show: (lines: string[]) => void drawn.push(lines), clear: () => undefined };
  const output = { liveNotes: () => view, paintNote: (text: string) => text, note: () => undefined } as unknown as Output;
  const job = aJob({ status: 'pending', healthy: 0, reason: 'web waits for db to be healthy' });
  new Progress(output, new Set(), [], () => 0).show(aStatus([job], []));
  assert.deepEqual(drawn, [['shop is pending: 0 of 1 healthy (version 1), 0ms', '  web waits for db to be healthy']]);
});

test('of a first submit is told how many are up', () => {
  const { lines, progress } = noting();
  progress.show(aStatus([aJob({ deployment: aDeployment({ replaces: false, updated: 1, desired: 2 }) })], []));
  assert.deepEqual(lines, ['shop: version 1: 1 of 2 up']);
});
