import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { nameFromImage, runDocument } from '../../src/cli/run-document.ts';
import { problem } from '../../src/core/errors.ts';
import { checkJob } from '../../src/core/job-file/index.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { JobJson } from '../../src/core/views.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, dataDirectoryOf, fileWith } from './run-cli.ts';
import { aJob, aStatus, aTask } from './samples.ts';

async function manager(t: TestContext) {
  const fake = await FakeManager.start(t);
  return { fake, env: { CUBE_DATA: dataDirectoryOf(t, fake.url, 'secret'), CUBE_LIMITS: 'waitPollMs=100,waitDebounceMs=5' } };
}

/** What a `run` sends, taken from the request. */
async function sent(
  t: TestContext,
  ...args: string[]
): Promise<{ job: { name: string; type: string; tasks: { main: Record<string, unknown> } } }> {
  const { fake, env } = await manager(t);
  fake.answers.set('POST /v1/jobs', (body) => ({
    job: { ...aJob(), name: (body as { job: { name: string } }).job.name },
    change: 'created',
  }));
  const { code, stderr } = await cube(
    ['run', ...args, '--detach'].flatMap((arg) => (arg === '--' ? [] : [arg])),
    { env },
  );
  assert.equal(code, 0, stderr);
  return fake.seen.at(-1)!.body as never;
}

test('run makes a job of one task from its options, and numbers stay the text they were', async (t) => {
  const body = await sent(
    t,
    'nginx:1.27',
    '--name',
    '007',
    '--count',
    '2',
    '--port',
    '8080:80',
    '--port',
    '9000',
    '--env',
    'A=1',
    '--env',
    'B=x=y',
    '--cpu',
    '0.5',
    '--memory',
    '64MiB',
  );
  assert.deepEqual(body, {
    job: {
      name: '007',
      type: 'service',
      tasks: {
        main: {
          image: 'nginx:1.27',
          count: 2,
          ports: ['8080:80', '9000'],
          env: { A: '1', B: 'x=y' },
          resources: { cpu: 0.5, memory: '64MiB' },
        },
      },
    },
    origin: { kind: 'run' },
    mustBeNew: true,
  });
});

test('what follows -- is the command, word by word', async (t) => {
  const { fake, env } = await manager(t);
  fake.answers.set('POST /v1/jobs', () => ({ job: aJob({ type: 'batch' }), change: 'created' }));
  const { code } = await cube(['run', 'busybox', '--batch', '-d', '--', 'sh', '-c', 'echo  "a b"', '--name', '007', '--'], { env });
  assert.equal(code, 0);
  const { job } = fake.seen.at(-1)!.body as { job: { type: string; tasks: { main: { command: string[] } } } };
  assert.equal(job.type, 'batch');
  assert.deepEqual(job.tasks.main.command, ['sh', '-c', 'echo  "a b"', '--name', '007', '--']);
});

test('a job without a name gets its image’s base name and something random, and is valid', () => {
  assert.equal(nameFromImage('nginx:1.27', 'ab12'), 'nginx-ab12');
  assert.equal(nameFromImage('reg.example:5000/team/my_app:v1@sha256:00', 'ab12'), 'my_app-ab12');
  assert.equal(nameFromImage(`x/${'y'.repeat(90)}`, 'ab12').length, 45);
  for (const image of ['nginx', '_odd_', 'reg:5000/a', '日本/ア']) {
    const request = {
      image: 'busybox',
      name: nameFromImage(image, 'ab12'),
      command: undefined,
      count: 1,
      ports: [],
      env: {},
      cpu: undefined,
      memory: undefined,
      batch: false,
    };
    assert.equal(checkJob(runDocument(request), limitsDefault).name, request.name);
  }
});

test('bad options of run are exit 2 before anything is sent', async (t) => {
  const { fake, env } = await manager(t);
  const bad = [
    [],
    ['busybox', '--port', '99999:80'],
    ['busybox', '--memory', '12XB'],
    ['busybox', '--count', '0'],
    ['busybox', '--env', 'x'],
    ['busybox', '--name', '../x'],
    ['a', 'b'],
  ];
  for (const args of [...bad, ['busybox', '-f', 'x.json'], ['busybox', '--timeout', '5']]) {
    const { code, stderr } = await cube(['run', ...args], { env });
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
  }
  assert.deepEqual(fake.seen, []);
});

test('a name that is taken is exit 5', async (t) => {
  const { fake, env } = await manager(t);
  fake.answers.set('POST /v1/jobs', () => problem('conflict', 'there is a job "web"'));
  assert.equal((await cube(['run', 'busybox', '--name', 'web'], { env })).code, 5);
});

const event = { ID: 'e1', State: 2, Task: { State: 1, ID: 'client-1', Name: 'test-chapter-9.1', Image: 'busybox:latest' } };

/** A manager that takes the seeds' event, and whose task then is in a state. */
async function seeds(t: TestContext, state: 'running' | 'failed' | 'stopped', status: JobJson['status']) {
  const { fake, env } = await manager(t);
  const task = aTask({ id: 'client-1', job: 'test', slot: 'test/main.1', state, reason: state === 'failed' ? 'exit code 2' : null });
  fake.answers.set('POST /tasks', () => {
    fake.status = aStatus([aJob({ name: 'test', status: 'deploying' })], [{ ...task, state: 'pending', reason: null }]);
    setTimeout(() => fake.change(aStatus([aJob({ name: 'test', status })], [task])), 30);
    return { ID: 'client-1', State: 0 };
  });
  return { fake, env };
}

test('run -f sends the TaskEvent as it is and waits until its task runs', async (t) => {
  const { fake, env } = await seeds(t, 'running', 'running');
  const file = fileWith(t, 'task.json', JSON.stringify(event));
  const { code, stdout } = await cube(['run', '-f', file, '--manager', `127.0.0.1:${fake.port}`, '-o', 'json'], { env });
  assert.equal(code, 0);
  assert.deepEqual(fake.seen.find(({ path }) => path === '/tasks')!.body, event);
  assert.equal((JSON.parse(stdout) as { tasks: { state: string }[] }).tasks[0]!.state, 'running');
});

test('run -f is exit 1 when its task fails, and 5 when its ID is known', async (t) => {
  const { fake, env } = await seeds(t, 'failed', 'failed');
  const failed = await cube(['run', '-f', '-'], { env, input: JSON.stringify(event) });
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /test\/main\.1 failed: exit code 2/);
  fake.answers.set('POST /tasks', () => problem('conflict', 'the task client-1 is known'));
  assert.equal((await cube(['run', '-f', '-'], { env, input: JSON.stringify(event) })).code, 5);
});

test('an event of State 3 stops its task, and run -f waits for that', async (t) => {
  const { env } = await seeds(t, 'stopped', 'stopped');
  const { code, stdout } = await cube(['run', '-f', '-'], { env, input: JSON.stringify({ ...event, State: 3 }) });
  assert.deepEqual([code, stdout], [0, 'test is stopped; all its tasks have ended\n']);
});

test('run -f of what is not JSON, or not there, is exit 2', async () => {
  const bad = await cube(['run', '-f', '-'], { input: '{"ID":' });
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /- is not JSON/);
  assert.equal((await cube(['run', '-f', 'none.json'])).code, 2);
});
