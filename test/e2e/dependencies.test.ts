/** Tasks that wait for others of their job: until they were started, are healthy, or have completed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TaskJson } from '../../src/core/views.ts';
import { tempDirectory } from '../cli/run-cli.ts';
import { testEngine } from '../support/engine.ts';
import { sharedNode } from '../support/node-process.ts';
import { done, eventually, submit, tasksOf } from './help.ts';
import { eventsOf } from './rolling-help.ts';

const { skip } = await testEngine();
const theNode = sharedNode();
const plainNode = sharedNode({ args: ['--runtime', 'process'] });

function shell(script: string, more: string): string {
  return `{image: "busybox:latest", command: [/bin/sh, -c, "${script}"], stopGrace: 0s, ${more}}`;
}

const stack = `name: stack
tasks:
  web: ${shell('exec sleep 10000', 'count: 2, dependsOn: {db: healthy, init: completed}')}
  watch: ${shell('exec sleep 10000', 'dependsOn: {web: started}')}
  init: ${shell('sleep 1', 'restart: {on: failure}, dependsOn: {db: started}')}
  db: ${shell(
    'sleep 2; mkdir /www; echo ok > /www/index.html; exec httpd -f -p 80 -h /www',
    'health: {http: /, port: 80, interval: 300ms, startPeriod: 20s}',
  )}
`;

function at(time: string | null | undefined): number {
  assert.ok(time, 'there is no such time');
  return Date.parse(time);
}

test(
  'tasks are started in the order that they wait for each other, and the job runs although its init task has ended',
  { skip },
  async () => {
    const node = await theNode();
    await submit(node, stack);
    const { jobs, tasks } = await node.client().status({ job: 'stack' });
    assert.deepEqual([jobs[0]?.status, jobs[0]?.desired, jobs[0]?.running, jobs[0]?.completed], ['running', 5, 4, 1]);
    const of = (name: string): TaskJson => tasks.find(({ task }) => task === name)!;
    const [db, init, watch] = [of('db'), of('init'), of('watch')];
    const webs = tasks.filter(({ task }) => task === 'web');
    assert.deepEqual([init.state, init.exitCode, init.restarts, webs.length], ['completed', 0, 0, 2]);
    const healthyAt = at((await eventsOf(node, 'stack')).find(({ id, to }) => id === db.id && to === 'running.healthy')?.at);
    assert.ok(at(init.startedAt) >= at(db.startedAt), 'init came before db was started');
    for (const web of webs) {
      assert.ok(at(web.startedAt) >= healthyAt, `${web.slot} came before db was healthy`);
      assert.ok(at(web.startedAt) >= at(init.finishedAt), `${web.slot} came before init had completed`);
    }
    assert.ok(at(watch.startedAt) >= Math.max(...webs.map(({ startedAt }) => at(startedAt))), 'watch came before all of web');

    // Other counts do not run the init task again.
    done(await node.cube(['scale', 'stack/web=3']));
    const more = (await tasksOf(node, 'stack')).filter(({ task }) => task === 'init');
    assert.deepEqual(
      more.map(({ id }) => id),
      [init.id],
    );
    done(await node.cube(['stop', 'stack', '--purge']));
  },
);

test('an init task is tried again as its restart policy says, and those that wait for it come then', async (t) => {
  const node = await plainNode();
  const mark = join(tempDirectory(t), 'mark');
  const script = `test -e ${mark} && exit 0; touch ${mark}; exit 1`;
  const init = shell(script, 'restart: {on: failure, delay: 100ms}');
  await submit(node, `name: again\ntasks:\n  app: ${shell('exec sleep 10000', 'dependsOn: {init: completed}')}\n  init: ${init}\n`);
  const tasks = await tasksOf(node, 'again');
  assert.deepEqual(
    tasks.map(({ task, state, restarts }) => [task, state, restarts]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    [
      ['app', 'running', 0],
      ['init', 'completed', 1],
    ],
  );
});

test('a dependency that fails for good fails the submit, and is named', async () => {
  const node = await plainNode();
  const init = shell('exit 3', 'restart: {on: never}');
  const job = `name: broken\ntasks:\n  app: ${shell('exec sleep 10000', 'dependsOn: {init: completed}')}\n  init: ${init}\n`;
  const { code, stderr } = await node.cube(['submit', '-'], { input: job });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /broken\/init\.1/);
  assert.match(stderr, /exit code 3/);
  const { jobs, tasks } = await node.client().status({ job: 'broken' });
  assert.equal(jobs[0]?.status, 'failed');
  assert.deepEqual(
    tasks.filter(({ task }) => task === 'app').map(({ state, startedAt }) => [state, startedAt]),
    [],
    'it was not to be made',
  );
});

test('a submit gives up on a dependency that does not get healthy, and says who waits for whom', async () => {
  const node = await plainNode();
  const db = shell('exec sleep 10000', 'health: {exec: [/bin/false], interval: 200ms, startPeriod: 1m}');
  const app = shell('exec sleep 10000', 'dependsOn: {db: healthy}');
  const job = `name: slow\nupdate: {deadline: 2s}\ntasks:\n  app: ${app}\n  db: ${db}\n`;
  const { code, stderr } = await node.cube(['submit', '-'], { input: job });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /slow\/db\.1/);
  await eventually('the job says what is waited for', async () => {
    const { jobs } = await node.client().status({ job: 'slow' });
    return /db/.test(jobs[0]?.reason ?? '');
  });
});

test('tasks that wait for each other are refused, and the circle is named', async () => {
  const node = await plainNode();
  const circle = ['a', 'b', 'c'].map((name, place) => `  ${name}: ${shell('true', `dependsOn: {${'bca'[place]}: started}`)}`);
  const { code, stderr } = await node.cube(['submit', '-'], { input: `name: circle\ntasks:\n${circle.join('\n')}\n` });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /a -> b -> c -> a/);
});
