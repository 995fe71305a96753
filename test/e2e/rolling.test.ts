/** Rolling updates of real containers under constant HTTP load: nobody who asks notices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testEngine } from '../support/engine.ts';
import { sharedNode } from '../support/node-process.ts';
import { done, eventually, pidsOf, running, submit } from './help.ts';
import { assertServed, eventsOf, leastHealthy, lookAt, startLoad, webJob } from './rolling-help.ts';

const { skip } = await testEngine();
const theNode = sharedNode();

test('10 healthy instances are updated start-first: no request fails, and 10 are healthy all along', { skip }, async (t) => {
  const node = await theNode();
  await submit(node, webJob('roll', 10, 'one'));
  const before = await eventsOf(node, 'roll');
  const load = await startLoad(t, node, 'roll');
  await submit(node, webJob('roll', 10, 'two'));
  const { job, running: tasks } = await eventually('the ones before are gone', async () => {
    const seen = await lookAt(node, 'roll');
    return seen.running.length === 10 && seen.running.every(({ version }) => version === 2) && seen;
  });
  t.diagnostic(`${await assertServed(load, 'one', 'two')} requests, none failed`);
  assert.deepEqual([job.status, job.version, job.healthy, job.deployment?.state], ['running', 2, 10, 'succeeded']);
  assert.equal(new Set(tasks.map(({ slot }) => slot)).size, 10);
  const events = await eventsOf(node, 'roll');
  assert.ok(leastHealthy(events, before.at(-1)!.seq) >= 10, `only ${leastHealthy(events, before.at(-1)!.seq)} were healthy at one time`);
  done(await node.cube(['stop', 'roll', '--purge']));
});

const broken = [
  ['ends at once', 'exit 1'],
  ['does not get healthy', 'rm /www/index.html; exec httpd -f -p 8080 -h /www'],
] as const;

for (const [what, run] of broken) {
  test(`a new version that ${what} is rolled back by itself, and no request fails`, { skip }, async (t) => {
    const node = await theNode();
    const name = what.split(' ')[0]!;
    await submit(node, webJob(name, 2, 'good'));
    const good = await pidsOf(await running(node, name));
    const load = await startLoad(t, node, name);
    const { code, stderr } = await node.cube(['submit', '-'], { input: webJob(name, 2, 'bad', '', run) });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /rolled back to version 1/);
    const { job } = await eventually('it runs as before', async () => {
      const seen = await lookAt(node, name);
      return seen.job.deployment?.state === 'succeeded' && seen.running.length === 2 && seen;
    });
    await assertServed(load, 'good');
    assert.deepEqual([job.status, job.version, job.healthy], ['running', 3, 2]);
    assert.deepEqual([job.deployment?.rollbackOf, job.deployment?.version], [2, 3]);
    const now = await pidsOf(await running(node, name));
    for (const [id, pid] of Object.entries(now)) assert.equal(good[id] ?? pid, pid, 'a container was started again');
    assert.ok(Object.keys(good).filter((id) => now[id] !== undefined).length >= 1, 'instances that nothing was wrong with were replaced');
    done(await node.cube(['stop', name, '--purge']));
  });
}
