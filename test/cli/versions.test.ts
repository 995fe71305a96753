/** `cube scale`, `restart`, `history`, `rollback`, `promote`: versions of a job. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { ErrorBody } from '../../src/core/errors.ts';
import type { JobJson } from '../../src/core/views.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, startCube } from './run-cli.ts';
import { aDeployment, aJob, aStatus, aTask, aVersion } from './samples.ts';

/** A manager that runs the job `shop` of the tasks named. */
async function withShop(t: TestContext, tasks: readonly string[] = ['web'], job: JobJson = aJob()) {
  const manager = await FakeManager.start(t);
  manager.status = aStatus([job], [aTask()]);
  manager.answers.set('GET /v1/jobs/shop/history', () => [aVersion({}, tasks)]);
  const env = { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret'), CUBE_LIMITS: 'waitPollMs=100,waitDebounceMs=5' };
  return { manager, env };
}

/** Accepts a change: the job is in its version 2 then, whose deployment goes on, and is as `then` a moment later. */
function accept(manager: FakeManager, path: string, then: Partial<JobJson>, wrap = true): void {
  manager.answers.set(`POST /v1/jobs/shop/${path}`, () => {
    const deployment = aDeployment({ version: 2, goodVersion: 1, desired: 2 });
    const job = aJob({ version: 2, index: 8, status: 'deploying', deployment });
    manager.status = aStatus([job], [aTask()]);
    setTimeout(() => manager.change(aStatus([{ ...job, ...then }], [aTask()])), 20);
    return wrap ? { job, change: 'updated', warnings: [] } : job;
  });
}

const well = { status: 'running', deployment: aDeployment({ version: 2, state: 'succeeded', updated: 2, desired: 2 }) } as const;

function post(manager: FakeManager) {
  return manager.seen.filter(({ method }) => method === 'POST');
}

function errorIn(stdout: string): ErrorBody['error'] {
  return (JSON.parse(stdout) as ErrorBody).error;
}

test('a scale waits for its deployment, and tells the result in words and in JSON', async (t) => {
  const { manager, env } = await withShop(t);
  accept(manager, 'scale', well);
  const human = await cube(['scale', 'shop/web=2'], { env });
  assert.deepEqual([human.code, human.stdout], [0, 'shop is running: 1 of 1 healthy (version 2), updated\n']);
  const json = await cube(['scale', 'shop=2', '-o', 'json'], { env });
  const document = JSON.parse(json.stdout) as { job: JobJson; change: string };
  assert.deepEqual([json.code, document.change, document.job.deployment?.state], [0, 'updated', 'succeeded']);
  assert.deepEqual(
    post(manager).map(({ body }) => body),
    [{ tasks: { web: 2 } }, { tasks: { web: 2 } }],
  );
  assert.match(post(manager)[0]?.idempotencyKey ?? '', /^[0-9a-f-]{36}$/);
});

test('several tasks of a job are one request, and several jobs one each', async (t) => {
  const { manager, env } = await withShop(t, ['web', 'db']);
  manager.status = aStatus([aJob(), aJob({ name: 'other' })], []);
  manager.answers.set('GET /v1/jobs/other/history', () => [aVersion({}, ['t'])]);
  accept(manager, 'scale', well);
  const job = aJob({ name: 'other' });
  manager.answers.set('POST /v1/jobs/other/scale', () => ({ job, change: 'unchanged' }));
  const { code, stdout } = await cube(['scale', 'shop/web=2', 'other=0', 'shop/db=3', '--detach', '-o', 'json'], { env });
  assert.equal(code, 0);
  assert.deepEqual(
    (JSON.parse(stdout) as { job: JobJson; change: string }[]).map((one) => [one.job.name, one.change]),
    [
      ['shop', 'updated'],
      ['other', 'unchanged'],
    ],
  );
  assert.deepEqual(
    post(manager).map(({ path, body }) => [path, body]),
    [
      ['/v1/jobs/shop/scale', { tasks: { web: 2, db: 3 } }],
      ['/v1/jobs/other/scale', { tasks: { t: 0 } }],
    ],
  );
});

test('what to scale is checked before anything is asked for', async (t) => {
  const { manager, env } = await withShop(t, ['web', 'db']);
  const tries: [readonly string[], number, RegExp][] = [
    [['shop/web=x'], 2, /shop\/web=x: a count is a whole number of 0 or more, not "x"/],
    [['shop/web=-1'], 2, /not "-1"/],
    [['shop/web=1.5'], 2, /not "1\.5"/],
    [['shop/web='], 2, /not ""/],
    [['shop/web'], 2, /takes JOB\/TASK=N, like shop\/web=5, not "shop\/web"/],
    [['shop/web/1=2'], 2, /takes JOB\/TASK=N/],
    [['shop/web=1', 'shop/web=2'], 2, /shop\/web was given twice/],
    [['shop=2'], 2, /has the tasks web and db; name the one that is meant\nhint: shop\/web=2 or shop\/db=2/],
    [['shop/wbe=2'], 4, /has no task "wbe"; did you mean shop\/web\?/],
    [['shop/web=2', 'sohp/web=3'], 4, /there is no job "sohp"; did you mean shop\?/],
    [['shop/web=2', 'other=3', '--check-index', '7'], 2, /--check-index is for one job/],
  ];
  for (const [args, exit, message] of tries) {
    const { code, stdout, stderr } = await cube(['scale', ...args], { env });
    assert.deepEqual([code, stdout], [exit, ''], args.join(' '));
    assert.match(stderr, message);
  }
  assert.deepEqual(post(manager), []);
});

test('a scale of a job that has changed meanwhile is exit 5', async (t) => {
  const { manager, env } = await withShop(t);
  manager.answers.set('POST /v1/jobs/shop/scale', () => problem('conflict', 'the job stands at index 9'));
  const { code, stdout } = await cube(['scale', 'shop/web=2', '--check-index', '7', '-o', 'json'], { env });
  assert.deepEqual([code, errorIn(stdout).code, post(manager)[0]?.body], [5, 'conflict', { tasks: { web: 2 }, checkIndex: 7 }]);
});

test('a version that fails is exit 1 with its reason, after the roll-back has ended', async (t) => {
  const { manager, env } = await withShop(t);
  const reason = 'version 2 failed: shop/web.1 failed: exit code 3';
  const back = aDeployment({ version: 3, rollbackOf: 2, reason, updated: 1, desired: 2 });
  accept(manager, 'scale', { version: 3, deployment: back });
  const running = startCube(['scale', 'shop/web=2'], { env });
  await running.saw('stderr', 'shop: version 3 (going back from version 2): 1 of 2 updated\n');
  const failed = aTask({ id: 'x', version: 2, state: 'failed', exitCode: 3 });
  manager.change(aStatus([aJob({ version: 3, deployment: { ...back, state: 'succeeded', updated: 2 } })], [failed]));
  const { code, stdout, stderr } = await running.ended;
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /cube: shop: version 2 failed: shop\/web\.1 failed: exit code 3; rolled back to version 1\nhint: `cube history shop`/,
  );
});

test('a restart waits, and can be left alone; of a job that is not there it is exit 4', async (t) => {
  const { manager, env } = await withShop(t);
  accept(manager, 'restart', well, false);
  assert.equal((await cube(['restart', 'shop'], { env })).stdout, 'shop is running: 1 of 1 healthy (version 2), restarted\n');
  assert.equal((await cube(['restart', '-d', 'shop'], { env })).stdout, 'shop is accepted (version 2), restarted\n');
  const missing = await cube(['restart', 'shpo', '-o', 'json'], { env });
  assert.deepEqual([missing.code, errorIn(missing.stdout).message], [4, 'there is no job "shpo"; did you mean shop?']);
  manager.answers.set('POST /v1/jobs/shop/restart', () => problem('conflict', 'job shop is stopped'));
  assert.equal((await cube(['restart', 'shop'], { env })).code, 5);
});

test('a restart that takes too long is exit 124, and tells how far it is', async (t) => {
  const { manager, env } = await withShop(t);
  accept(manager, 'restart', { deployment: aDeployment({ version: 2, updated: 1, desired: 2 }) }, false);
  const { code, stderr } = await cube(['restart', 'shop', '--timeout', '400ms'], { env });
  assert.equal(code, 124);
  assert.match(stderr, /shop: version 2: 1 of 2 updated\n/);
});

test('a roll-back asks for the version named, or for the last good one', async (t) => {
  const { manager, env } = await withShop(t);
  accept(manager, 'rollback', well);
  assert.equal((await cube(['rollback', 'shop'], { env })).stdout, 'shop is running: 1 of 1 healthy (version 2), updated\n');
  assert.equal((await cube(['rollback', 'shop', '1', '-q'], { env })).stdout, 'shop\n');
  assert.deepEqual(
    post(manager).map(({ body }) => body),
    [{}, { version: 1 }],
  );
  for (const version of ['x', '0', '1.5', 'v1']) {
    const { code, stderr } = await cube(['rollback', 'shop', version], { env });
    assert.deepEqual([code, stderr.split('\n')[0]], [2, `cube: a version is a number like 3, not "${version}"`]);
  }
  assert.equal(post(manager).length, 2);
});

test('a roll-back to a version that is not kept says which there are', async (t) => {
  const { manager, env } = await withShop(t);
  manager.answers.set('POST /v1/jobs/shop/rollback', () => problem('not-found', 'job shop has no version 9; there are 1, 2'));
  const { code, stderr } = await cube(['rollback', 'shop', '9'], { env });
  assert.equal(code, 4);
  assert.match(stderr, /job shop has no version 9; there are 1, 2/);
});

test('an update with canaries is accepted when these are well, and promoted to its end', async (t) => {
  const { manager, env } = await withShop(t);
  accept(manager, 'rollback', {
    status: 'degraded',
    deployment: aDeployment({ version: 2, state: 'awaitingPromotion', updated: 1, desired: 2 }),
  });
  const waits = await cube(['rollback', 'shop'], { env });
  assert.deepEqual([waits.code, waits.stdout], [0, 'shop waits for `cube promote shop`: 1 of 2 updated (version 2), updated\n']);
  accept(manager, 'promote', well, false);
  const promoted = await cube(['promote', 'shop', '-o', 'json'], { env });
  assert.deepEqual([promoted.code, (JSON.parse(promoted.stdout) as { change: string }).change], [0, 'promoted']);
  manager.answers.set('POST /v1/jobs/shop/promote', () => problem('conflict', 'job shop has no deployment that waits'));
  assert.equal((await cube(['promote', 'shop'], { env })).code, 5);
  assert.equal((await cube(['promote', 'nosuch'], { env })).code, 4);
});

test('the history is a line a version, with what differs below on demand, and as it is in JSON', async (t) => {
  const { manager, env } = await withShop(t);
  const versions = [
    aVersion({
      version: 3,
      cause: 'rolled back to version 1',
      state: 'rolling',
      diff: [{ path: 'tasks.web.env.MODE', from: 'b', to: null }],
    }),
    aVersion({
      version: 2,
      isCurrent: false,
      state: 'failed',
      reason: 'shop/web.1 failed: exit code 3',
      diff: [{ path: 'tasks.web.env.MODE', from: null, to: 'b' }],
    }),
    aVersion({ version: 1, isCurrent: false }),
  ];
  manager.answers.set('GET /v1/jobs/shop/history', () => versions);
  const table = (await cube(['history', 'shop'], { env })).stdout.split('\n');
  assert.match(table[0]!, /^ {2}VERSION {3}CREATED +STATE +CAUSE +CHANGES$/);
  assert.match(table[1]!, /^\* 3 +.* ago +rolling +rolled back to version 1 +tasks\.web\.env\.MODE$/);
  assert.match(table[3]!, /^ {2}1 .* succeeded +submitted$/);
  const diff = (await cube(['history', 'shop', '--diff'], { env })).stdout;
  assert.match(
    diff,
    /rolled back to version 1 .*\n +- tasks\.web\.env\.MODE: "b"\n {2}2 .*\n +shop\/web\.1 failed: exit code 3\n +\+ tasks\.web\.env\.MODE: "b"\n/,
  );
  assert.deepEqual(JSON.parse((await cube(['history', 'shop', '-o', 'json'], { env })).stdout), versions);
  assert.equal((await cube(['history', 'shop', '-q'], { env })).stdout, '3\n2\n1\n');
  const missing = await cube(['history', 'nosuch'], { env });
  assert.deepEqual([missing.code, missing.stdout], [4, '']);
});

test('a long cause is cut in the table, and whole with --diff and in JSON', async (t) => {
  const { manager, env } = await withShop(t);
  const cause = `rolled back to version 1: version 2 failed: shop/web.1 is rejected: ${'x'.repeat(80)}`;
  manager.answers.set('GET /v1/jobs/shop/history', () => [aVersion({ cause })]);
  const { stdout } = await cube(['history', 'shop'], { env });
  assert.match(stdout, /   rolled back to version 1: version 2 failed: shop\/web\.1 is r…\n/);
  assert.ok((await cube(['history', 'shop', '--diff'], { env })).stdout.includes(cause));
  assert.ok((await cube(['history', 'shop', '-o', 'json'], { env })).stdout.includes(cause));
});
