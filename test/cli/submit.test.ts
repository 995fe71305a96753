import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { JobJson, StatusJson, TaskJson } from '../../src/core/views.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, fileWith, startCube } from './run-cli.ts';
import { aJob, aStatus, aTask } from './samples.ts';

const serviceFile = 'name: shop\ntasks: {web: {image: busybox}}\n';
const escape = String.fromCodePoint(27);

/** A manager that accepts the job and shows `then` a moment later. */
async function accepting(t: TestContext, job: JobJson, then: StatusJson | undefined, change = 'created') {
  const manager = await FakeManager.start(t);
  manager.answers.set('POST /v1/jobs', () => {
    manager.status = aStatus([job], []);
    if (then) setTimeout(() => manager.change(then), 20);
    return { job, change };
  });
  const env = { CUBE_DATA: dataDirectoryOf(t, manager.url, 'local-secret'), CUBE_LIMITS: 'waitPollMs=100,waitDebounceMs=5' };
  return { manager, env };
}

const deploying = aJob({ status: 'deploying', running: 0, healthy: 0 });

function failedTask(changes: Partial<TaskJson> = {}): TaskJson {
  return aTask({ state: 'failed', exitCode: 3, reason: 'exit code 3', ...changes });
}

test('a wrong file is exit 2 with every problem and its place, and nothing is sent', async (t) => {
  const { manager, env } = await accepting(t, deploying, undefined);
  const file = fileWith(t, 'f.yaml', 'name: a\ntype: srevice\ntasks:\n  t:\n    image: busybox\n    cuont: 3\n');
  const { code, stdout, stderr } = await cube(['submit', file], { env });
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /f\.yaml:2:7: /);
  assert.match(stderr, /f\.yaml:6:5: .*count/);
  assert.deepEqual(manager.seen, []);
  const json = await cube(['submit', file, '-o', 'json'], { env });
  const { error } = JSON.parse(json.stdout) as { error: { code: string; problems: { at: { line: number } }[] } };
  assert.deepEqual([json.code, error.code, error.problems.map(({ at }) => at.line), json.stderr], [2, 'invalid-file', [2, 6], '']);
});

test('a file that is not there is exit 2', async () => {
  const { code, stderr } = await cube(['submit', 'no-such.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /there is no file no-such\.yaml/);
  assert.match((await cube(['restore', '-'])).stderr, /needs a file, and cannot read stdin/);
  assert.equal((await cube(['submit'])).code, 2);
});

test('a service is waited for until it runs, with a line for each change and no redrawing', async (t) => {
  const { manager, env } = await accepting(t, deploying, aStatus([deploying], [aTask({ state: 'preparing', detail: 'pulling busybox' })]));
  const running = startCube(['submit', fileWith(t, 's.yaml', serviceFile)], { env });
  await running.saw('stderr', 'shop/web.1 preparing on bar: pulling busybox\n');
  manager.change(aStatus([aJob()], [aTask()]));
  const { code, stdout, stderr } = await running.ended;
  assert.deepEqual([code, stdout], [0, 'shop is running: 1 of 1 healthy (version 1), created\n']);
  assert.match(stderr, /shop\/web\.1 running on bar\n/);
  assert.ok(!stderr.includes(escape));
});

test('a submit carries the token, a key against doubling, and the document as it was written', async (t) => {
  const { manager, env } = await accepting(t, aJob(), undefined);
  await cube(['submit', '-', '--detach', '--check-index', '7'], { env, input: serviceFile });
  const post = manager.seen.find(({ method }) => method === 'POST');
  assert.equal(post?.authorization, 'Bearer local-secret');
  assert.match(post.idempotencyKey ?? '', /^[0-9a-f-]{36}$/);
  assert.deepEqual(post.body, { job: { name: 'shop', tasks: { web: { image: 'busybox' } } }, origin: { kind: 'file' }, checkIndex: 7 });
});

test('with -o json the result is one document, and progress stays on stderr', async (t) => {
  const { env } = await accepting(t, deploying, aStatus([aJob()], [aTask()]));
  const { code, stdout } = await cube(['submit', '-', '-o', 'json'], { env, input: serviceFile });
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), { job: aJob(), tasks: [aTask()], change: 'created', warnings: [] });
});

test('warnings of the manager are shown on stderr, with -q too, and are in the document of -o json', async (t) => {
  const { manager, env } = await accepting(t, deploying, undefined);
  const warnings = ['task web: no node has label.disk == ssd; there are hdd and nvme'];
  manager.answers.set('POST /v1/jobs', () => ({ job: deploying, change: 'created', warnings }));
  const shown = await cube(['submit', '-', '--detach', '-q'], { env, input: serviceFile });
  assert.deepEqual([shown.code, shown.stdout, shown.stderr], [0, 'shop\n', `warning: ${warnings[0]}\n`]);
  const json = await cube(['submit', '-', '--detach', '-o', 'json'], { env, input: serviceFile });
  assert.deepEqual([JSON.parse(json.stdout), json.stderr], [{ job: deploying, tasks: [], change: 'created', warnings }, '']);
  manager.answers.set('POST /v1/jobs', () => {
    manager.status = aStatus([aJob()], [aTask()]);
    return { job: aJob(), change: 'created', warnings };
  });
  const waited = await cube(['submit', '-', '-o', 'json'], { env, input: serviceFile });
  assert.deepEqual((JSON.parse(waited.stdout) as { warnings: string[] }).warnings, warnings);
  const run = await cube(['run', 'busybox', '--detach'], { env });
  assert.match(run.stderr, /^warning: task web: no node/m);
});

test('--strict asks the manager to refuse what it would warn about, which is exit 2', async (t) => {
  const { manager, env } = await accepting(t, deploying, undefined);
  manager.answers.set('POST /v1/jobs', () =>
    problem('invalid-file', 'task web: no node has the label gpu', { problems: [{ message: 'task web: no node has the label gpu' }] }),
  );
  const { code, stderr } = await cube(['submit', '-', '--strict'], { env, input: serviceFile });
  assert.equal(code, 2);
  assert.match(stderr, /task web: no node has the label gpu/);
  const post = manager.seen.find(({ method }) => method === 'POST');
  assert.deepEqual(post?.body, { job: { name: 'shop', tasks: { web: { image: 'busybox' } } }, origin: { kind: 'file' }, strict: true });
});

test('with -q the result is the name and nothing else', async (t) => {
  const { env } = await accepting(t, deploying, aStatus([aJob()], [aTask()]));
  const { stdout, stderr } = await cube(['submit', '-', '-q'], { env, input: serviceFile });
  assert.deepEqual([stdout, stderr], ['shop\n', '']);
});

test('a failed batch job is exit 1 with what each task said', async (t) => {
  const job = aJob({ type: 'batch', status: 'deploying' });
  const failed = aStatus([{ ...job, status: 'failed', reason: 'attempts used up' }], [failedTask()]);
  const { env } = await accepting(t, job, failed);
  const human = await cube(['submit', '-'], { env, input: serviceFile });
  assert.deepEqual([human.code, human.stdout], [1, '']);
  assert.match(human.stderr, /cube: shop failed: attempts used up\nshop\/web\.1 failed: exit code 3\nhint: .*cube logs shop\/web\.1/);
  const json = await cube(['submit', '-', '-o', 'json'], { env, input: serviceFile });
  const document = JSON.parse(json.stdout) as { error: { code: string }; job: JobJson; tasks: TaskJson[] };
  assert.deepEqual([json.code, document.error.code, document.job.status, document.tasks[0]?.exitCode], [1, 'job-failed', 'failed', 3]);
});

test('failures of an earlier version are not those of this one', async (t) => {
  const { manager, env } = await accepting(t, aJob({ version: 2, status: 'deploying' }), undefined, 'updated');
  const old = failedTask({ state: 'rejected', reasonCode: 'image-not-found', reason: 'no such image' });
  manager.status = aStatus([aJob({ status: 'degraded' })], [old]);
  manager.answers.set('POST /v1/jobs', () => {
    const job = aJob({ version: 2, status: 'deploying' });
    manager.status = aStatus([job], [old]);
    setTimeout(() => manager.change(aStatus([{ ...job, status: 'running' }], [old, aTask({ id: 'new', version: 2 })])), 50);
    return { job, change: 'updated' };
  });
  const { code, stderr } = await cube(['submit', '-'], { env, input: serviceFile });
  assert.equal(code, 0);
  assert.doesNotMatch(stderr, /no such image/);
});

test('--timeout is exit 124, and says where it stands', async (t) => {
  const { env } = await accepting(t, deploying, aStatus([deploying], [aTask({ state: 'pending', node: null, reason: 'not enough cpu' })]));
  const { code, stderr } = await cube(['submit', '-', '--timeout', '300ms'], { env, input: serviceFile });
  assert.equal(code, 124);
  assert.match(stderr, /shop is not healthy after 300ms; it goes on\nshop\/web\.1 pending: not enough cpu/);
});

test('a service that does not get healthy by its deadline is exit 1 and why', async (t) => {
  const { env } = await accepting(t, deploying, aStatus([deploying], [aTask({ state: 'backingOff', reason: 'exit code 1' })]));
  const limits = { ...env, CUBE_LIMITS: `${env.CUBE_LIMITS},submitDeadlineMs=300` };
  const { code, stderr } = await cube(['submit', '-'], { env: limits, input: serviceFile });
  assert.equal(code, 1);
  assert.match(stderr, /shop is not healthy after 300ms\nshop\/web\.1 backingOff on bar: exit code 1/);
});

test("the manager's refusal is passed on with its exit code", async (t) => {
  const { manager, env } = await accepting(t, deploying, undefined);
  const tries: [ReturnType<typeof problem>, number][] = [
    [problem('conflict', 'the job stands at index 9'), 5],
    [problem('unauthorized', 'no such token'), 6],
    [problem('busy', 'the queue is full'), 3],
    [problem('too-large', 'the body is too large'), 2],
  ];
  for (const [error, exit] of tries) {
    manager.answers.set('POST /v1/jobs', () => error);
    const { code, stderr } = await cube(['submit', '-', '--detach'], { env, input: serviceFile });
    assert.equal(code, exit, error.code);
    assert.match(stderr, new RegExp(error.message));
  }
});

test('a manager that restarts while it is waited for is found again', async (t) => {
  const { manager, env } = await accepting(t, deploying, undefined);
  const running = startCube(['submit', '-'], { env, input: serviceFile });
  const { port } = manager;
  await waitForRequest(manager, 'GET /v1/status?job=shop', 2);
  await manager.stop();
  await running.saw('stderr', 'trying for 30s');
  const next = await FakeManager.start(t, port);
  next.status = aStatus([aJob()], [aTask()]);
  const { code, stderr } = await running.ended;
  assert.equal(code, 0);
  assert.match(stderr, /the manager answers again/);
});

test('a manager that stays away is exit 3 after the time it is given', async (t) => {
  const { manager, env } = await accepting(t, deploying, undefined);
  const limits = { ...env, CUBE_LIMITS: `${env.CUBE_LIMITS},waitReconnectMs=300` };
  const running = startCube(['submit', '-', '-o', 'json'], { env: limits, input: serviceFile });
  await waitForRequest(manager, 'GET /v1/status?job=shop', 2);
  await manager.stop();
  const { code, stdout } = await running.ended;
  assert.equal(code, 3);
  assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'unreachable');
});

test('Ctrl-C while waiting is exit 130 with a word on what goes on, and no stack', async (t) => {
  const { env } = await accepting(t, deploying, aStatus([deploying], [aTask({ state: 'preparing' })]));
  const running = startCube(['submit', '-'], { env, input: serviceFile });
  await running.saw('stderr', 'preparing');
  running.child.kill('SIGINT');
  const { code, signal, stderr } = await running.ended;
  assert.deepEqual([code, signal], [130, null]);
  assert.match(stderr, /not waiting any longer; shop goes on: see `cube status shop`\n$/);
  assert.doesNotMatch(stderr, /\n +at /);
});

test('--dry-run may come before the file', async (t) => {
  const file = fileWith(t, 's.yaml', serviceFile);
  const before = await cube(['submit', '--dry-run', file]);
  assert.deepEqual([before.code, before.stderr, (JSON.parse(before.stdout) as { name: string }).name], [0, '', 'shop']);
  assert.equal((await cube(['submit', file, '--dry-run'])).stdout, before.stdout);
});

test('--dry-run prints the job with its defaults and needs no node', async () => {
  const { code, stdout } = await cube(['submit', '-', '--dry-run', '-o', 'json'], { input: serviceFile });
  assert.equal(code, 0);
  const spec = JSON.parse(stdout) as { name: string; type: string; tasks: { web: { count: number; stopGraceMs: number } } };
  assert.deepEqual([spec.name, spec.type, spec.tasks.web.count, spec.tasks.web.stopGraceMs], ['shop', 'service', 1, 10_000]);
});

test('the job and the token cannot both come from stdin', async () => {
  const { code, stderr } = await cube(['submit', '-', '--token-file', '-'], { input: serviceFile });
  assert.equal(code, 2);
  assert.match(stderr, /cannot both come from stdin/);
});

/** Settles once a request was seen so often. */
async function waitForRequest(manager: FakeManager, request: string, times: number): Promise<void> {
  while (manager.paths().filter((path) => path === request).length < times) await new Promise((resolve) => setTimeout(resolve, 10));
}
