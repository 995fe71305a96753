import assert from 'node:assert/strict';
import test from 'node:test';
import { startCluster, type Cluster } from './cluster.ts';
import { batch, restart, service } from './scripts.ts';

async function ok<T>(
  cluster: Cluster,
  asked: Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string }>,
): Promise<T> {
  const answer = await cluster.finish(asked);
  assert.ok(answer.ok, `answered ${answer.ok || answer.code}`);
  return answer.value;
}

/** Ids of a job's running containers' tasks by slot. */
function runningOf(cluster: Cluster, job: string): Record<string, string> {
  const [{ engine }] = cluster.workers as [Cluster['workers'][number]];
  const mine = engine.running().filter(({ work }) => work.order.job === job);
  return Object.fromEntries(mine.map(({ work }) => [work.order.slot, `${work.order.id} attempt ${work.attempt}`]));
}

test('a service of 3 runs and a batch of 5 completes', async () => {
  const cluster = await startCluster({ seed: 1 });
  const { job, change } = await ok(cluster, cluster.submit(service('shop', 'runs', 3)));
  assert.deepEqual([change, job.version, job.status], ['created', 1, 'pending']);
  await ok(cluster, cluster.submit(batch('crunch', 'completes:500', 5)));
  await cluster.settled();
  assert.deepEqual([cluster.jobStatus('shop'), cluster.jobStatus('crunch')], ['running', 'completed']);
  assert.equal(Object.keys(runningOf(cluster, 'shop')).length, 3);
  assert.equal(cluster.host('w1').engine.containers.size, 8);
  const { jobs } = await ok(cluster, cluster.status());
  assert.deepEqual(
    jobs.map(({ name, counts }) => [name, counts]),
    [
      ['shop', { desired: 3, running: 3, healthy: 3, failed: 0, completed: 0 }],
      ['crunch', { desired: 5, running: 0, healthy: 0, failed: 0, completed: 5 }],
    ],
  );
});

test('the same job submitted again changes nothing', async () => {
  const cluster = await startCluster({ seed: 2 });
  await ok(cluster, cluster.submit(service('shop', 'runs', 3)));
  await cluster.settled();
  const [events, running] = [cluster.manager.mirror.events.length, runningOf(cluster, 'shop')];
  const { change, job } = await ok(cluster, cluster.submit(service('shop', 'runs', 3)));
  assert.deepEqual([change, job.version], ['unchanged', 1]);
  await cluster.pass(5_000);
  assert.deepEqual([cluster.manager.mirror.events.length, runningOf(cluster, 'shop')], [events, running]);
});

test('a changed job is replaced slot by slot, the new one first', async () => {
  const cluster = await startCluster({ seed: 3 });
  await ok(cluster, cluster.submit(service('shop', 'runs', 3)));
  await cluster.settled();
  const before = runningOf(cluster, 'shop');
  const { change, job } = await ok(cluster, cluster.submit(service('shop', 'slow:300', 3, { priority: 51 })));
  assert.deepEqual([change, job.version], ['updated', 2]);
  let [least, most] = [3, 3];
  while (cluster.unsettled().length > 0) {
    await cluster.step();
    const count = cluster.host('w1').engine.running().length;
    [least, most] = [Math.min(least, count), Math.max(most, count)];
  }
  assert.deepEqual([least, most], [3, 4]);
  const after = runningOf(cluster, 'shop');
  assert.deepEqual(Object.keys(after), Object.keys(before));
  for (const slot of Object.keys(before)) assert.notEqual(after[slot], before[slot]);
});

test('a job with a fixed port is replaced with the old one first', async () => {
  const cluster = await startCluster({ seed: 4 });
  const ports = [{ host: 8_080, container: 80, protocol: 'tcp' as const }];
  await ok(cluster, cluster.submit(service('shop', 'runs', 1, { ports })));
  await cluster.settled();
  await ok(cluster, cluster.submit(service('shop', 'slow:300', 1, { ports, priority: 51 })));
  let most = 1;
  while (cluster.unsettled().length > 0) {
    await cluster.step();
    most = Math.max(most, cluster.host('w1').engine.running().length);
  }
  assert.equal(most, 1);
});

test('more and fewer instances leave the others as they are', async () => {
  const cluster = await startCluster({ seed: 5 });
  const counts = async (count: number, priority: number): Promise<Record<string, string>> => {
    await ok(cluster, cluster.submit(service('shop', 'runs', count, { priority })));
    await cluster.settled();
    return runningOf(cluster, 'shop');
  };
  const two = await counts(2, 50);
  const four = await counts(4, 51);
  assert.equal(Object.keys(four).length, 4);
  for (const [slot, task] of Object.entries(two)) assert.equal(four[slot], task);
  assert.deepEqual(await counts(2, 52), two);
  assert.deepEqual(await counts(0, 53), {});
});

test('a job is stopped and started', async () => {
  const cluster = await startCluster({ seed: 6 });
  await ok(cluster, cluster.submit(service('shop', 'lingers:500', 2)));
  await cluster.settled();
  await ok(cluster, cluster.stop('shop'));
  await cluster.settled();
  assert.deepEqual([cluster.jobStatus('shop'), runningOf(cluster, 'shop')], ['stopped', {}]);
  await ok(cluster, cluster.startJob('shop'));
  await cluster.settled();
  assert.equal(Object.keys(runningOf(cluster, 'shop')).length, 2);
  await ok(cluster, cluster.stop('shop'));
  const { change } = await ok(cluster, cluster.submit(service('shop', 'lingers:500', 2)));
  assert.equal(change, 'started');
  await cluster.settled();
  assert.equal(Object.keys(runningOf(cluster, 'shop')).length, 2);
});

test('a job that is purged leaves nothing', async () => {
  const cluster = await startCluster({ seed: 7 });
  await ok(cluster, cluster.submit(service('shop', 'stubborn', 2)));
  await cluster.settled();
  await ok(cluster, cluster.stop('shop', true));
  await cluster.until('nothing is left', () => cluster.host('w1').engine.containers.size === 0, 10_000);
  await cluster.settled();
  assert.deepEqual([cluster.manager.mirror.jobs.size, cluster.manager.mirror.tasks.size], [0, 0]);
  assert.deepEqual([...cluster.host('w1').role!.desk.book.entries], []);
});

test('a slot whose task is stopped gets a fresh one', async () => {
  const cluster = await startCluster({ seed: 8 });
  await ok(cluster, cluster.submit(service('shop', 'runs', 2)));
  await cluster.settled();
  const before = runningOf(cluster, 'shop');
  await ok(cluster, cluster.stopTask('shop/main.1'));
  await cluster.until('the old one has stopped', () => cluster.host('w1').engine.running().length === 1, 10_000);
  await cluster.settled();
  const after = runningOf(cluster, 'shop');
  assert.notEqual(after['shop/main.1'], before['shop/main.1']);
  assert.equal(after['shop/main.2'], before['shop/main.2']);
});

test('a job made by run stops whole with its task', async () => {
  const cluster = await startCluster({ seed: 9 });
  await ok(cluster, cluster.submit(service('shop'), { origin: { kind: 'run' } }));
  await cluster.settled();
  const stopped = await cluster.finish(
    cluster.ask((control) => control.stopTask('shop/main.1'), { kind: 'stop', job: 'shop', purge: false }),
  );
  assert.ok(stopped.ok);
  await cluster.settled();
  assert.equal(cluster.jobStatus('shop'), 'stopped');
});

test('a container that is killed is started again in place', async () => {
  const cluster = await startCluster({ seed: 10 });
  await ok(cluster, cluster.submit(service('shop')));
  await cluster.settled();
  const { engine } = cluster.host('w1');
  const id = engine.running()[0]!.work.order.id;
  engine.kill(engine.running()[0]!.ref.id);
  await cluster.until('it runs again', () => engine.running(id).length === 1, 10_000);
  await cluster.settled();
  assert.equal(runningOf(cluster, 'shop')['shop/main.1'], `${id} attempt 2`);
  assert.equal(cluster.tasksOf('shop')[0]?.restarts, 1);
});

test('a service whose attempts are used up is placed again', async () => {
  const cluster = await startCluster({ seed: 11 });
  await ok(cluster, cluster.submit(service('shop', 'runs', 1, { restart: restart('service', { attempts: 1, delayMs: 100 }) })));
  await cluster.settled();
  const { engine } = cluster.host('w1');
  const first = engine.running()[0]!.work.order.id;
  for (let kill = 1; kill <= 2; kill++) {
    await cluster.until('it runs', () => engine.running(first).length === 1, 10_000);
    engine.kill(engine.running()[0]!.ref.id);
  }
  await cluster.until('it has failed', () => cluster.tasksOf('shop').some(({ state }) => state === 'failed'), 10_000);
  await cluster.settled();
  assert.notEqual(engine.running()[0]?.work.order.id, first);
  assert.match(
    cluster.manager.mirror.events.find(({ event, id }) => event === 'order.create' && id !== first)!.cause,
    /placed again after a failure/,
  );
});

test('a batch job whose attempts are used up has failed, and says with what', async () => {
  const cluster = await startCluster({ seed: 12 });
  await ok(cluster, cluster.submit(batch('crunch', 'fails:100', 2, { restart: restart('batch', { attempts: 2, delayMs: 100 }) })));
  await cluster.settled();
  await cluster.pass(120_000);
  assert.deepEqual(cluster.unsettled(), []);
  assert.match(cluster.manager.mirror.jobs.get('crunch')!.reason!, /exit code 3, after 2 restarts/);
  assert.equal(cluster.host('w1').engine.containers.size, 2);
});

test('an image that is not there fails the job at once, with the engine’s words', async () => {
  const cluster = await startCluster({ seed: 13 });
  await ok(cluster, cluster.submit(service('shop', 'missing', 2)));
  await cluster.settled();
  const job = cluster.manager.mirror.jobs.get('shop')!;
  assert.deepEqual([job.status, job.reason], ['failed', 'shop/main.1 is rejected: missing: the script says image-not-found']);
  assert.equal(cluster.tasksOf('shop')[0]?.reasonCode, 'image-not-found');
});

test('a change to an image that is not there leaves what runs alone, and the job goes back to what did', async () => {
  const cluster = await startCluster({ seed: 14 });
  await ok(cluster, cluster.submit(service('shop', 'runs', 3)));
  await cluster.settled();
  const before = runningOf(cluster, 'shop');
  await ok(cluster, cluster.submit(service('shop', 'missing', 3, { priority: 51 })));
  await cluster.until('it is rolled back', () => cluster.manager.mirror.jobs.get('shop')?.deployment?.rollbackOf === 2, 10_000);
  await cluster.pass(60_000);
  assert.deepEqual(runningOf(cluster, 'shop'), before);
  const { status, deployment } = cluster.manager.mirror.jobs.get('shop')!;
  assert.deepEqual([status, deployment?.state], ['running', 'succeeded']);
  assert.match(deployment!.reason!, /image-not-found/);
});

test('past the control queue the answer is busy, and nothing of what was turned away is taken', async () => {
  const cluster = await startCluster({ seed: 15, limits: { controlQueueMax: 5 }, writeMs: [50, 50] });
  const asked = Array.from({ length: 12 }, (_, at) => cluster.submit(service(`job-${at}`)));
  const answers = await cluster.finish(Promise.all(asked));
  assert.deepEqual(
    answers.map((answer) => (answer.ok ? 'ok' : answer.code)),
    [...Array.from({ length: 5 }, () => 'ok'), ...Array.from({ length: 7 }, () => 'busy')],
  );
  await cluster.settled();
  assert.equal(cluster.manager.mirror.jobs.size, 5);
  assert.ok((await cluster.finish(cluster.submit(service('later')))).ok);
});
