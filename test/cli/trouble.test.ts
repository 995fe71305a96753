/** What the commands say where something is amiss: a narrow terminal, a word that is too short, a node that goes away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import { noTerminal, startInTerminal } from '../support/terminal.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, startCube } from './run-cli.ts';
import { aJob, aStatus, aTask } from './samples.ts';

const second = aTask({ id: '22222222-2222-4222-8222-222222222222', slot: 'shop/web.2' });

async function withShop(t: TestContext) {
  const manager = await FakeManager.start(t);
  manager.status = aStatus([aJob({ desired: 2 })], [aTask(), second]);
  return { manager, env: { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret') } };
}

test('a long reason is cut to the terminal in the table of a job, and whole everywhere else', { skip: noTerminal }, async (t) => {
  const { manager, env } = await withShop(t);
  const reason = `${'the image cannot be had because '.repeat(6)}END`;
  manager.status = aStatus([aJob()], [aTask({ state: 'rejected', reason }), second]);
  const shown = async (columns: number, ref: string): Promise<string[]> => {
    const terminal = startInTerminal(t, ['status', ref], { env: { ...env, NO_COLOR: '1' }, columns, rows: 24 });
    return (await terminal.ended).split('\r\n');
  };
  for (const columns of [80, 120]) {
    const lines = await shown(columns, 'shop');
    const row = lines.find((line) => line.startsWith('11111111'))!;
    assert.match(row, /^11111111   shop\/web\.1   rejected   0          bar    the image cannot be had.*…$/);
    assert.ok(
      lines.every((line) => Array.from(line).length <= columns),
      lines.join('\n'),
    );
    assert.ok((await shown(columns, 'shop/web.1')).join('\n').includes('END'));
  }
  assert.match((await cube(['status', 'shop'], { env })).stdout, /END$/m);
  assert.ok((await cube(['status', 'shop', '-o', 'json'], { env })).stdout.includes(reason));
});

test('a word that is too short to name a task by its id says so, with the tasks that it may be about', async (t) => {
  const { manager, env } = await withShop(t);
  const short = problem('not-found', 'too short');
  manager.answers.set('GET /v1/status', () => (manager.paths().at(-1)!.includes('?') ? short : manager.status));
  for (const args of [['status'], ['logs'], ['stop'], ['explain']]) {
    const { code, stderr } = await cube([...args, '2'], { env });
    assert.equal(code, 4, args.join(' '));
    assert.match(
      stderr,
      /there is no .* "2", and as the beginning of an id it is too short: give more of it\nhint: this one begins so: 22222222 \(shop\/web\.2\)$/m,
    );
  }
  manager.status = aStatus(
    [aJob()],
    Array.from({ length: 7 }, (_, at) => aTask({ id: `abc${at}`, slot: `shop/web.${at + 1}` })),
  );
  assert.match(
    (await cube(['status', 'abc'], { env })).stderr,
    /hint: these begin so: abc0 \(shop\/web\.1\), .*abc4 \(shop\/web\.5\), and 2 more$/m,
  );
  assert.match((await cube(['status', 'abd'], { env })).stderr, /no job, task or node "abd"/);
});

test('logs that break off with their node say what may have become of it, and of the tasks', async (t) => {
  const { manager, env } = await withShop(t);
  manager.logs = [{ at: aTask().createdAt, slot: 'shop/web.1', task: aTask().id, stream: 'stdout', text: 'one\n' }];
  const following = startCube(['logs', '-f', 'shop/web.1'], { env });
  await following.saw('stdout', 'one');
  await manager.stop();
  const { code, stderr } = await following.ended;
  assert.equal(code, 3);
  assert.match(stderr, /broke off.*\nhint: the node has ended, or is out of reach; tasks go on without it: see `cube nodes`/);
});
