/** What becomes of an update that fails or waits, and which changes replace containers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEngine } from '../support/engine.ts';
import { sharedNode } from '../support/node-process.ts';
import { document, done, eventually, inspect, pidsOf, running, sleeper, submit } from './help.ts';
import { lookAt } from './rolling-help.ts';

const { skip } = await testEngine();
const theNode = sharedNode();
/** Processes need no engine, and are quicker. */
const plainNode = sharedNode({ args: ['--runtime', 'process'] });

/** A service of processes; an instance of version `bad` ends at once, as does the first one of `bad-first`. */
function service(name: string, version: string, update: string): string {
  const script = 'case "$V-$CUBE_INDEX" in bad-[0-9]|bad-first-1) exit 1;; esac; exec sleep 10000';
  return `name: ${name}
update: {parallel: 1, healthyFor: 300ms, ${update}}
tasks:
  t:
    image: none
    command: [/bin/sh, -c, '${script}']
    count: 3
    env: {V: "${version}"}
    restart: {on: never}
    stopGrace: 1s
`;
}

test('with `onFailure: pause` a failed update stays where it is until somebody goes on', async () => {
  const node = await plainNode();
  const update = 'onFailure: pause';
  await submit(node, service('pause', 'good', update));
  const before = (await lookAt(node, 'pause')).running.map(({ id }) => id);
  const { code, stderr } = await node.cube(['submit', '-'], { input: service('pause', 'bad', update) });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /paused/);
  const paused = await lookAt(node, 'pause');
  assert.deepEqual([paused.job.version, paused.job.deployment?.state], [2, 'paused']);
  assert.match(paused.job.deployment?.reason ?? '', /pause\/t\.\d failed/);
  const still = paused.running.map(({ id }) => id);
  assert.deepEqual(still.filter((id) => before.includes(id)).length, 3, 'start-first: what ran before runs on');
  done(await node.cube(['rollback', 'pause']));
  const after = await lookAt(node, 'pause');
  assert.deepEqual([after.job.status, after.job.version, after.job.deployment?.state], ['running', 3, 'succeeded']);
  assert.deepEqual(
    after.running.map(({ id }) => id),
    before,
    'going back to what runs replaces nothing',
  );
});

test('with `onFailure: continue` the others are updated, and the failure is told', async () => {
  const node = await plainNode();
  const update = 'onFailure: continue, deadline: 3s';
  await submit(node, service('go-on', 'good', update));
  const { code, stderr } = await node.cube(['submit', '-'], { input: service('go-on', 'bad-first', update) });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /go-on\/t\.1/);
  const { running: tasks } = await eventually('the others are of the new version', async () => {
    const seen = await lookAt(node, 'go-on');
    return seen.running.filter(({ version }) => version === 2).length === 2 && seen.running.length === 3 && seen;
  });
  assert.deepEqual(
    tasks.map(({ slot, version }) => [slot, version]),
    [
      ['go-on/t.1', 1],
      ['go-on/t.2', 2],
      ['go-on/t.3', 2],
    ],
  );
});

test('a canary is updated alone, and the others follow when it is promoted', async () => {
  const node = await plainNode();
  const update = 'canary: 1';
  await submit(node, service('bird', 'one', update));
  done(await node.cube(['submit', '--detach', '-'], { input: service('bird', 'two', update) }));
  const waiting = await eventually('the canary is well', async () => {
    const seen = await lookAt(node, 'bird');
    return seen.job.deployment?.state === 'awaitingPromotion' && seen.running.length === 3 && seen;
  });
  assert.deepEqual(
    waiting.running.map(({ slot, version }) => [slot, version]),
    [
      ['bird/t.1', 2],
      ['bird/t.2', 1],
      ['bird/t.3', 1],
    ],
  );
  done(await node.cube(['promote', 'bird']));
  const all = await eventually('all are updated', async () => {
    const seen = await lookAt(node, 'bird');
    return seen.job.deployment?.state === 'succeeded' && seen.running.length === 3 && seen;
  });
  assert.ok(all.running.every(({ version }) => version === 2));
  assert.equal(all.running[0]!.id, waiting.running[0]!.id, 'the canary was replaced');
  assert.equal((await node.cube(['promote', 'bird'])).code, 5, 'nothing waits');
});

test('a canary that fails is rolled back, and the others are never touched', async () => {
  const node = await plainNode();
  const update = 'canary: 1';
  await submit(node, service('coal', 'good', update));
  const before = (await lookAt(node, 'coal')).running.map(({ id }) => id);
  const { code, stderr } = await node.cube(['submit', '-'], { input: service('coal', 'bad', update) });
  assert.deepEqual([code, /rolled back to version 1/.test(stderr)], [1, true], stderr);
  const after = await lookAt(node, 'coal');
  assert.deepEqual(
    after.running.map(({ id }) => id),
    before,
  );
});

test('other counts restart nothing, and another environment replaces everything', { skip }, async () => {
  const node = await theNode();
  await submit(node, sleeper('scale', 'count: 2, env: {A: "1"}'));
  const two = await pidsOf(await running(node, 'scale'));
  done(await node.cube(['scale', 'scale/t=4']));
  const four = await pidsOf(await running(node, 'scale'));
  assert.equal(Object.keys(four).length, 4);
  for (const [id, pid] of Object.entries(two)) assert.equal(four[id], pid, 'a container was touched');
  done(await node.cube(['scale', 'scale/t=2']));
  await eventually('two are left', async () => (await running(node, 'scale')).length === 2);
  assert.deepEqual(await pidsOf(await running(node, 'scale')), two);
  const history = document(done(await node.cube(['history', 'scale', '-o', 'json'])).stdout) as readonly { readonly cause: string }[];
  assert.deepEqual(
    history.map(({ cause }) => cause),
    ['scaled: t=2', 'scaled: t=4', 'submitted'],
  );
  await submit(node, sleeper('scale', 'count: 2, env: {A: "2"}'));
  const after = await eventually('only new ones run', async () => {
    const list = await running(node, 'scale');
    return list.length === 2 && list.every(({ Id }) => two[Id] === undefined) && list;
  });
  for (const { Id } of after) assert.ok((await inspect(Id)).Config.Env.includes('A=2'));
});
