/** `cube dispatch` and `cube wait`, and jobs that do not run when they are submitted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { ErrorBody } from '../../src/core/errors.ts';
import type { JobJson } from '../../src/core/views.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, fileWith, startCube } from './run-cli.ts';
import { aDeployment, aJob, aStatus, aTask, aVersion } from './samples.ts';

async function managerOf(t: TestContext, ...jobs: readonly JobJson[]) {
  const manager = await FakeManager.start(t);
  manager.status = aStatus(jobs, []);
  const env = { CUBE_DATA: dataDirectoryOf(t, manager.url, 'secret'), CUBE_LIMITS: 'waitPollMs=100,waitDebounceMs=5' };
  return { manager, env };
}

const encode = aJob({ name: 'encode', type: 'parameterized', status: 'pending', desired: 0 });
const begun = aJob({ name: 'encode-1a2b3c4d', type: 'batch', status: 'deploying', parent: 'encode' });

/** A manager that begins a run, which ends as told a moment later. */
async function withEncode(t: TestContext, then: Partial<JobJson>) {
  const { manager, env } = await managerOf(t, encode);
  manager.answers.set('POST /v1/jobs/encode/dispatch', () => {
    manager.status = aStatus([encode, begun], []);
    const failed = aTask({ job: begun.name, slot: `${begun.name}/t.1`, state: 'failed', exitCode: 3 });
    setTimeout(() => manager.change(aStatus([encode, { ...begun, ...then }], then.status === 'failed' ? [failed] : [])), 20);
    return begun;
  });
  return { manager, env };
}

const completed = { status: 'completed', completed: 1 } as const;

test("a dispatch prints its run's name and nothing else, and waits until it is completed", async (t) => {
  const { manager, env } = await withEncode(t, completed);
  const { code, stdout, stderr } = await cube(['dispatch', 'encode', '--set', 'quality=high', '--set', 'url=a=b'], { env });
  assert.deepEqual([code, stdout], [0, 'encode-1a2b3c4d\n']);
  assert.match(stderr, /encode-1a2b3c4d is completed: 1 of 1 completed \(version 1\), dispatched\n$/);
  const post = manager.seen.find(({ method }) => method === 'POST');
  assert.deepEqual(post?.body, { set: { quality: 'high', url: 'a=b' } });
  assert.match(post.idempotencyKey ?? '', /^[0-9a-f-]{36}$/);
});

test('a run that fails is exit 1 with what its task said', async (t) => {
  const { env } = await withEncode(t, { status: 'failed', reason: 'attempts used up' });
  const human = await cube(['dispatch', 'encode'], { env });
  assert.deepEqual([human.code, human.stdout], [1, 'encode-1a2b3c4d\n']);
  assert.match(human.stderr, /encode-1a2b3c4d failed: attempts used up\nencode-1a2b3c4d\/t\.1 failed: exit code 3/);
  const json = await cube(['dispatch', 'encode', '-o', 'json'], { env });
  const document = JSON.parse(json.stdout) as ErrorBody & { job: JobJson };
  assert.deepEqual([json.code, document.error.code, document.job.name], [1, 'job-failed', begun.name]);
});

test('a dispatch can be left alone, with a payload from a file or from stdin', async (t) => {
  const { manager, env } = await withEncode(t, completed);
  const bytes = fileWith(t, 'clip', 'a\u0000b');
  assert.deepEqual((await cube(['dispatch', '-d', 'encode', '--payload', bytes], { env })).stdout, 'encode-1a2b3c4d\n');
  const json = await cube(['dispatch', '-d', 'encode', '--payload', '-', '-o', 'json'], { env, input: 'grüße' });
  assert.deepEqual(JSON.parse(json.stdout), { job: begun, tasks: [], change: 'dispatched', warnings: [] });
  const payloads = manager.seen.filter(({ method }) => method === 'POST').map(({ body }) => (body as { payload: string }).payload);
  assert.deepEqual(
    payloads.map((one) => Buffer.from(one, 'base64').toString('utf8')),
    ['a\u0000b', 'grüße'],
  );
});

test('a dispatch that is wrong is refused before or by the manager, each with its exit code', async (t) => {
  const { manager, env } = await withEncode(t, completed);
  const codeOf = async (...args: string[]) => (await cube(['dispatch', ...args], { env })).code;
  assert.equal(await codeOf('encode', '--set', 'quality'), 2);
  assert.equal(await codeOf('encode', '--payload', 'no-such-file'), 2);
  assert.equal(await codeOf('encode', '--payload', '-', '--token-file', '-'), 2);
  assert.equal(await codeOf('nosuch'), 4);
  manager.answers.set('POST /v1/jobs/encode/dispatch', () => problem('usage', 'encode needs quality'));
  const { code, stdout, stderr } = await cube(['dispatch', 'encode'], { env });
  assert.deepEqual([code, stdout, stderr.split('\n')[0]], [2, '', 'cube: encode needs quality']);
});

test('what does not run when it is submitted is accepted at once, with what makes it run', async (t) => {
  const { manager, env } = await managerOf(t);
  const report = aJob({ name: 'report', type: 'periodic', status: 'pending', nextTick: '2026-01-31T12:05:00.000Z' });
  const submit = async (job: JobJson) => {
    manager.answers.set('POST /v1/jobs', () => ({ job, change: 'created' }));
    return cube(['submit', '-'], { env, input: `name: ${job.name}\ntasks: {t: {image: busybox}}\n` });
  };
  assert.equal((await submit(encode)).stdout, 'encode is accepted (version 1), created; `cube dispatch encode` runs it\n');
  const { code, stdout } = await submit(report);
  assert.deepEqual([code, stdout], [0, 'report is accepted (version 1), created; next run at 2026-01-31T12:05:00.000Z\n']);
});

test('wait is over when the job runs, in words, in JSON and in its name', async (t) => {
  const { manager, env } = await managerOf(t, aJob({ status: 'deploying', healthy: 0 }));
  const running = startCube(['wait', 'shop'], { env });
  while (manager.paths().length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  manager.change(aStatus([aJob({ deployment: aDeployment({ updated: 0 }) })], []));
  manager.change(aStatus([aJob({ deployment: aDeployment({ state: 'succeeded' }) })], []));
  const { code, stdout } = await running.ended;
  assert.deepEqual([code, stdout], [0, 'shop is running: 1 of 1 healthy (version 1)\n']);
  assert.equal((JSON.parse((await cube(['wait', 'shop', '-o', 'json'], { env })).stdout) as { job: JobJson }).job.status, 'running');
  assert.equal((await cube(['wait', 'shop', '-q', '--for', 'running'], { env })).stdout, 'shop\n');
  assert.equal(manager.paths().filter((path) => path.startsWith('POST')).length, 0);
});

test('wait ends with exit 1, 2, 4 and 124 where it must', async (t) => {
  const failed = aJob({ name: 'import', type: 'batch', status: 'failed', reason: 'attempts used up' });
  const stopped = aJob({ name: 'off', status: 'stopped' });
  const { env } = await managerOf(t, aJob(), failed, stopped, encode, aJob({ name: 'busy', type: 'batch', status: 'deploying' }));
  const tries: [readonly string[], number, RegExp][] = [
    [['import'], 1, /import failed: attempts used up/],
    [['off'], 1, /off is stopped, and not running\nhint: `cube start off`/],
    [['encode'], 2, /encode is parameterized/],
    [['shop', '--for', 'runing'], 2, /--for is one of running, completed, not "runing"; did you mean running\?/],
    [['shop', '--timeout', '5'], 2, /--timeout needs a duration/],
    [['shpo'], 4, /there is no job "shpo"; did you mean shop\?/],
    [['busy', '--timeout', '200ms'], 124, /busy is not completed after 200ms/],
  ];
  for (const [args, exit, message] of tries) {
    const { code, stdout, stderr } = await cube(['wait', ...args], { env });
    assert.deepEqual([code, stdout], [exit, ''], args.join(' '));
    assert.match(stderr, message);
  }
});

test('a service that runs for good is never completed, which is told at once; one whose tasks may end is waited for', async (t) => {
  const { manager, env } = await managerOf(t, aJob(), aJob({ name: 'agent', type: 'system' }), aJob({ name: 'once', status: 'completed' }));
  const withRestart = (on: 'always' | 'failure', second: 'always' | 'failure' = on) => {
    const version = aVersion({}, ['web', 'db']);
    const { web, db } = version.spec.tasks;
    const tasks = { web: { ...web!, restart: { ...web!.restart, on } }, db: { ...db!, restart: { ...db!.restart, on: second } } };
    return () => [{ ...version, spec: { ...version.spec, tasks } }];
  };
  const wait = (...args: string[]) => cube(['wait', ...args, '--for', 'completed', '--timeout', '300ms'], { env });
  for (const second of ['always', 'failure'] as const) {
    manager.answers.set('GET /v1/jobs/shop/history', withRestart('always', second));
    const { code, stdout, stderr } = await wait('shop');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /shop is not completed, and will not be: a service runs for good\nhint: `cube wait shop --for running`/);
  }
  manager.answers.set('GET /v1/jobs/agent/history', withRestart('always'));
  const json = await wait('agent', '-o', 'json');
  const document = JSON.parse(json.stdout) as ErrorBody & { job: JobJson };
  assert.deepEqual([json.code, document.error.code, document.job.name], [1, 'job-failed', 'agent']);
  assert.match(document.error.message, /a system job runs for good/);
  assert.equal((await wait('once')).code, 0);
  manager.answers.set('GET /v1/jobs/shop/history', withRestart('failure'));
  const ends = await wait('shop');
  assert.deepEqual([ends.code, ends.stderr.split('\n')[0]], [124, 'cube: shop is not completed after 300ms; it goes on']);
});

test('a dispatch of a periodic job is not told to start it', async (t) => {
  const { manager, env } = await managerOf(t, aJob({ name: 'report', type: 'periodic', nextTick: '2026-01-31T12:05:00.000Z' }), aJob());
  const refused = (name: string) =>
    problem('conflict', `job ${name} is a job of another type: only parameterized jobs are dispatched`, { hint: 'use `cube start`' });
  for (const name of ['report', 'shop']) manager.answers.set(`POST /v1/jobs/${name}/dispatch`, () => refused(name));
  const periodic = await cube(['dispatch', 'report'], { env });
  assert.equal(periodic.code, 5);
  assert.match(periodic.stderr, /job report is a .*\nhint: its schedule runs it, and the next run of it is at 2026-01-31T12:05:00.000Z/);
  assert.doesNotMatch(periodic.stderr, /cube start/);
  const service = await cube(['dispatch', 'shop'], { env });
  assert.deepEqual([service.code, service.stderr.split('\n')[1]], [5, 'hint: use `cube start`']);
});

/** A manager of a parameterized job with one run that goes on and one that has ended. */
async function withRuns(t: TestContext) {
  const done = aJob({ name: 'encode-00000000', type: 'batch', status: 'completed', parent: 'encode' });
  const { manager, env } = await managerOf(t, encode, begun, done, aJob());
  const task = aTask({ job: begun.name, slot: `${begun.name}/t.1` });
  const all = [encode, begun, done, aJob()];
  manager.status = aStatus(all, [task]);
  manager.answers.set('POST /v1/jobs/encode/stop', () => {
    manager.status = aStatus(all, [{ ...task, state: 'stopping' }]);
    return encode;
  });
  const end = (purge: boolean): void =>
    manager.change(
      purge
        ? aStatus([aJob()], [])
        : aStatus([{ ...encode, status: 'stopped' }, { ...begun, status: 'stopped' }, done, aJob()], [{ ...task, state: 'stopped' }]),
    );
  return { manager, env, end, slot: task.slot };
}

test('a stop of a parameterized job waits for its runs, and says how many are stopped', async (t) => {
  const { env, end, slot } = await withRuns(t);
  const running = startCube(['stop', 'encode'], { env });
  await running.saw('stderr', `${slot} stopping`);
  end(false);
  const { code, stdout } = await running.ended;
  assert.deepEqual([code, stdout], [0, 'encode is stopped, and so is 1 run of it\n']);
});

test('a purge of a parameterized job forgets all its runs, and says how many', async (t) => {
  const { env, end, slot } = await withRuns(t);
  const running = startCube(['stop', '--purge', 'encode', '-o', 'json'], { env });
  await running.saw('stderr', `${slot} stopping`);
  end(true);
  const { code, stdout } = await running.ended;
  const document = JSON.parse(stdout) as { job: JobJson; runs: string[]; purged: boolean };
  assert.deepEqual([code, document.job.name, document.runs, document.purged], [0, 'encode', [begun.name, 'encode-00000000'], true]);
});

test('a stop that is not waited for says what goes along, and one without runs that there were none', async (t) => {
  const { manager, env } = await withRuns(t);
  assert.equal((await cube(['stop', '-d', 'encode', '--purge'], { env })).stdout, 'encode is ordered to stop, and so are 2 runs of it\n');
  manager.status = aStatus([encode], []);
  manager.answers.set('POST /v1/jobs/encode/stop', () => {
    manager.status = aStatus([{ ...encode, status: 'stopped' }], []);
    return encode;
  });
  assert.equal((await cube(['stop', 'encode'], { env })).stdout, 'encode is stopped; none of its runs went on\n');
  manager.answers.set('POST /v1/jobs/encode/stop', () => {
    manager.status = aStatus([], []);
    return encode;
  });
  assert.equal((await cube(['stop', 'encode', '--purge'], { env })).stdout, 'encode is stopped and forgotten; it had no runs\n');
});
