/** Jobs on a real engine: what runs, with what settings, how it ends, and what is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { label } from '../../src/core/ids.ts';
import type { EventJson, ExplainJson, LogLineJson, StatusJson } from '../../src/core/views.ts';
import { testEngine } from '../support/engine.ts';
import { sharedNode } from '../support/node-process.ts';
import { containers, document, done, eventually, inspect, sleeper, submit, tasksOf } from './help.ts';

const { skip } = await testEngine();
const theNode = sharedNode({ args: ['--name', 'bar'] });

const mebibyte = 2 ** 20;

test('a service of 3 runs as it was told to, within its limits', { skip }, async () => {
  const node = await theNode();
  const script =
    'id -u; pwd; echo $MODE; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; exec sleep 10000';
  await submit(
    node,
    `name: svc
labels: {team: web}
tasks:
  web:
    image: busybox:latest
    command: [/bin/sh, -c, "${script}"]
    count: 3
    env: {MODE: test mode}
    user: "65534"
    workdir: /tmp
    resources: {cpu: 0.25, memory: 64MiB}
    stopGrace: 0s
`,
  );
  const tasks = await tasksOf(node, 'svc');
  assert.deepEqual(
    tasks.map(({ state, slot }) => [slot, state]),
    ['svc/web.1', 'svc/web.2', 'svc/web.3'].map((slot) => [slot, 'running']),
  );
  for (const task of tasks) {
    const { Name, Config, HostConfig, State } = await inspect(task.containerId!);
    assert.equal(State.Running, true);
    const index = task.slot.split('.')[1];
    assert.equal(Name, `/cube-svc-web-${index}-${task.id.replaceAll('-', '').slice(0, 12)}-1`);
    assert.equal(Name, `/${task.containerName}`);
    assert.equal(HostConfig.Memory, 64 * mebibyte);
    assert.equal(HostConfig.NanoCpus, 250_000_000);
    assert.equal(HostConfig.PidsLimit, 4096);
    assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges']);
    assert.deepEqual(HostConfig.LogConfig, { Type: 'json-file', Config: { 'max-size': String(10 * mebibyte), 'max-file': '3' } });
    assert.equal(HostConfig.RestartPolicy?.Name, 'no');
    const { [label.cluster]: cluster, ...labels } = Config.Labels;
    assert.match(cluster!, /^[0-9a-f-]{36}$/);
    assert.deepEqual(labels, {
      team: 'web',
      [label.node]: node.nodeId,
      [label.job]: 'svc',
      [label.task]: 'web',
      [label.slot]: task.slot,
      [label.id]: task.id,
      [label.attempt]: '1',
    });
    const { stdout } = done(await node.cube(['logs', task.id]));
    assert.equal(stdout, `65534\n/tmp\ntest mode\n${64 * mebibyte}\n`);
  }
});

test('a batch job of 5 completes, each of its tasks once', { skip }, async () => {
  const node = await theNode();
  const { stdout } = await submit(
    node,
    'name: bat\ntype: batch\ntasks: {one: {image: "busybox:latest", command: [/bin/true], count: 5}}',
    '-o',
    'json',
  );
  const { job, tasks } = document(stdout) as { job: StatusJson['jobs'][number]; tasks: StatusJson['tasks'] };
  assert.deepEqual([job.status, job.completed, job.failed], ['completed', 5, 0]);
  assert.deepEqual(
    tasks.map(({ state, exitCode, restarts }) => [state, exitCode, restarts]),
    Array.from({ length: 5 }, () => ['completed', 0, 0]),
  );
  assert.equal((await containers({ [label.node]: node.nodeId, [label.job]: 'bat' })).length, 5);
});

test('a batch job that fails ends its submit with exit 1 and says why', { skip }, async () => {
  const node = await theNode();
  const job = 'name: bad\ntype: batch\ntasks: {t: {image: "busybox:latest", command: [/bin/sh, -c, exit 3], restart: {on: never}}}';
  const { code, stdout, stderr } = await node.cube(['submit', '-'], { input: job });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /bad failed/);
  assert.match(stderr, /bad\/t\.1 failed: exit code 3/);
  const [task] = await tasksOf(node, 'bad');
  assert.deepEqual([task?.state, task?.exitCode, task?.restarts], ['failed', 3, 0]);
});

test('a failing batch task is started again, in a new container, as often as its policy says', { skip }, async () => {
  const node = await theNode();
  const restart = 'restart: {on: failure, attempts: 2, delay: 10ms, delayMax: 10ms}';
  const job = `name: again\ntype: batch\ntasks: {t: {image: "busybox:latest", command: [/bin/false], ${restart}}}`;
  assert.equal((await node.cube(['submit', '-'], { input: job })).code, 1);
  const [task] = await tasksOf(node, 'again');
  assert.deepEqual([task?.state, task?.exitCode, task?.restarts, task?.attempt], ['failed', 1, 2, 3]);
});

test('a killed container of a service is replaced', { skip }, async () => {
  const node = await theNode();
  const { docker } = await testEngine();
  await submit(node, sleeper('crash', 'restart: {delay: 10ms}'));
  const [before] = await tasksOf(node, 'crash');
  await docker.getContainer(before!.containerId!).kill();
  const replaced = await eventually('a task that runs again', async () => {
    const [task] = await tasksOf(node, 'crash');
    return task?.state === 'running' && task.restarts === 1 && task;
  });
  assert.notEqual(replaced.containerId, before!.containerId);
  assert.equal((await inspect(replaced.containerId!)).State.Running, true);
});

test("a task's own signal and grace are kept when it stops", { skip }, async () => {
  const node = await theNode();
  const waits = 'while :; do sleep 1000 & wait $!; done';
  const shell = (script: string): string => `image: "busybox:latest", command: [/bin/sh, -c, "${script}"]`;
  await submit(
    node,
    `name: signals
tasks:
  asked: {${shell(`trap 'echo asked; exit 7' USR1; ${waits}`)}, stopSignal: SIGUSR1}
  slow: {${shell(`trap 'sleep 1; echo slow; exit 3' TERM; ${waits}`)}, stopGrace: 20s}
  deaf: {${shell(`trap '' TERM; ${waits}`)}, stopGrace: 200ms}
`,
  );
  done(await node.cube(['stop', 'signals']));
  const tasks = await tasksOf(node, 'signals');
  assert.deepEqual(
    tasks.map(({ slot, state, exitCode }) => [slot, state, exitCode]),
    [
      ['signals/asked.1', 'stopped', 7],
      ['signals/deaf.1', 'stopped', 137],
      ['signals/slow.1', 'stopped', 3],
    ],
  );
  assert.match(done(await node.cube(['logs', 'signals/asked.1'])).stdout, /^asked$/m);
});

test('a stopped job starts again, and one that is purged is forgotten', { skip }, async () => {
  const node = await theNode();
  await submit(node, sleeper('once'));
  done(await node.cube(['stop', 'once']));
  assert.equal((await containers({ [label.node]: node.nodeId, [label.job]: 'once' }, false)).length, 0);
  done(await node.cube(['start', 'once']));
  assert.equal((await containers({ [label.node]: node.nodeId, [label.job]: 'once' }, false)).length, 1);
  done(await node.cube(['stop', '--purge', 'once']));
  assert.equal((await node.cube(['status', 'once'])).code, 4);
  await eventually(
    'its containers are gone',
    async () => (await containers({ [label.node]: node.nodeId, [label.job]: 'once' })).length === 0,
  );
});

test('logs: followed over the attempts of a task that restarts, each in a container of its own', { skip }, async () => {
  const node = await theNode();
  const script = 'echo hello; sleep 1; exit 1';
  await submit(
    node,
    `name: again
type: batch
tasks:
  t:
    image: busybox:latest
    command: [/bin/sh, -c, "${script}"]
    restart: {on: failure, attempts: 2, within: 10m, delay: 100ms}
`,
    '--detach',
  );
  await eventually('its first attempt', async () => (await tasksOf(node, 'again'))[0]?.state === 'running');
  assert.equal(done(await node.cube(['logs', '-f', 'again/t.1'])).stdout, 'hello\nhello\nhello\n');
  assert.equal((await tasksOf(node, 'again'))[0]?.state, 'failed');
  assert.equal(done(await node.cube(['logs', 'again/t.1'])).stdout, 'hello\nhello\nhello\n', 'and those of all attempts are kept');
});

test('logs: of a job, of its last lines, and followed until the task ends', { skip }, async () => {
  const node = await theNode();
  const script = 'for n in 1 2 3; do echo line $n; done; sleep 1; echo late; echo oops >&2';
  const job = `name: talk\ntype: batch\ntasks: {t: {image: "busybox:latest", command: [/bin/sh, -c, "${script}"]}}`;
  done(await node.cube(['submit', '--detach', '-'], { input: job }));
  const followed = done(await node.cube(['logs', '-f', 'talk/t.1']));
  assert.deepEqual(followed.stdout.trimEnd().split('\n').toSorted(), ['late', 'line 1', 'line 2', 'line 3', 'oops']);
  const lines = done(await node.cube(['logs', 'talk', '-o', 'json']))
    .stdout.trimEnd()
    .split('\n');
  const parsed = lines.map((line) => JSON.parse(line) as LogLineJson);
  assert.deepEqual(
    parsed.filter(({ stream }) => stream === 'stderr').map(({ slot, text }) => [slot, text]),
    [['talk/t.1', 'oops\n']],
  );
  const tail = done(await node.cube(['logs', 'talk', '--tail', '2']))
    .stdout.trimEnd()
    .split('\n');
  assert.equal(tail.length, 2);
  assert.ok(tail.every((line) => line.includes('talk/t.1') && /late|oops/.test(line)));
});

test('events tell the way of each task, and a status its timeline', { skip }, async () => {
  const node = await theNode();
  await submit(node, sleeper('seen'));
  const [task] = await tasksOf(node, 'seen');
  const events = done(await node.cube(['events', '--job', 'seen', '-o', 'json']))
    .stdout.trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as EventJson);
  const way = events.filter(({ id }) => id === task!.id);
  assert.deepEqual(
    way.map(({ from }) => from),
    ['none', ...way.slice(0, -1).map(({ to }) => to)],
  );
  assert.deepEqual([way[0]?.to, way.at(-1)?.to], ['pending', 'running']);
  for (const event of events) {
    assert.match(event.at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal(event.job, 'seen');
  }
  const { stdout } = done(await node.cube(['status', 'seen/t.1']));
  const rows = stdout.slice(stdout.indexOf('AT ')).trimEnd().split('\n').slice(1);
  assert.equal(rows.length, way.length);
});

test('explain lists every node, with the pick and its score', { skip }, async () => {
  const node = await theNode();
  await submit(node, sleeper('why', 'resources: {cpu: 0.1}'));
  const told = document(done(await node.cube(['explain', 'why/t.1', '-o', 'json'])).stdout) as ExplainJson;
  assert.equal(told.picked, 'bar');
  assert.equal(told.nodes.length, 1);
  assert.equal(told.nodes[0]?.feasible, true);
  assert.ok(told.nodes[0].score! > 0);
  done(await node.cube(['submit', '--detach', '-'], { input: sleeper('big', 'resources: {cpu: 1000}') }));
  const big = document(done(await node.cube(['explain', 'big/t.1', '-o', 'json'])).stdout) as ExplainJson;
  assert.equal(big.picked, null);
  assert.equal(big.nodes[0]?.feasible, false);
  assert.equal(big.nodes[0].filter, 'cpu');
  assert.match(big.nodes[0].detail ?? '', /1000/);
});

test('with -o json a command prints one document and nothing else, an error, too', { skip }, async () => {
  const node = await theNode();
  const commands = [['status'], ['nodes'], ['node'], ['machines'], ['version'], ['submit', '--detach', '-'], ['stop', 'pure']];
  for (const command of commands) {
    const { stdout } = done(await node.cube([...command, '-o', 'json'], { input: sleeper('pure') }));
    document(stdout);
  }
  const failed = await node.cube(['stop', 'nosuch', '-o', 'json']);
  assert.equal(failed.code, 4);
  assert.equal((document(failed.stdout) as { error: { code: string } }).error.code, 'not-found');
});

test('a body over the limit is refused, and the node goes on', { skip }, async () => {
  const node = await theNode();
  const answer = await node.fetch('/v1/jobs', { method: 'POST', body: JSON.stringify({ job: 'x'.repeat(2 * mebibyte) }) });
  assert.equal(answer.status, 413);
  assert.equal((await node.fetch('/v1/info')).status, 200);
});
