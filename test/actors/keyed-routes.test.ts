/**
 * Every route that changes something, asked twice under one key: the manager is killed between the two, and where doing it again would do
 * nothing anyway, somebody else has undone it meanwhile.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routesOf } from '../../src/api/index.ts';
import { readTaskEvent } from '../../src/core/seeds.ts';
import { makeRig, type Rig } from '../api/harness.ts';
import { jobSpec, service } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

// Loaded now: the routes load them on demand, which takes real time while the simulated one runs on.
await Promise.all([import('../../src/api/seeds.ts'), import('../../src/core/job-file/index.ts')]);

/** A request: method, path, body. */
type Asked = readonly [method: string, path: string, body?: unknown];

interface Scenario {
  readonly ask: Asked;
  /** What somebody else does between the two. */
  readonly meanwhile?: Asked;
  /** What is there before, beside the jobs `shop` and `mail`, and a node that is gone. */
  readonly prepare?: (stage: Stage) => Promise<void>;
}

interface Stage {
  readonly bench: ManagerBench;
  readonly worker: ScriptedWorker;
  ask(asked: Asked, key?: string): Promise<Response>;
}

const seedsEvent = {
  ID: 'a7aa1d44-08f6-443e-9378-f5884311019e',
  State: 2,
  Task: { State: 1, ID: 'bb1d59ef-9fc1-4e4b-a44d-db571eeed203', Name: 'seed', Image: 'runs' },
};

const shop = (image: string, count: number) => ({ job: { name: 'shop', tasks: { main: { image, count } } } });

const canary = { parallel: 1, healthyForMs: 0, deadlineMs: 60_000, onFailure: 'pause', canary: 1 } as const;

const scenarios: Readonly<Record<string, Scenario>> = {
  'POST /v1/jobs': { ask: ['POST', '/v1/jobs', shop('slow:1', 2)], meanwhile: ['POST', '/v1/jobs', shop('slow:2', 2)] },
  'POST /v1/jobs/{name}/stop': {
    ask: ['POST', '/v1/jobs/shop/stop', { purge: false }],
    meanwhile: ['POST', '/v1/jobs/shop/start', {}],
  },
  'POST /v1/jobs/{name}/start': {
    prepare: async ({ ask }) => void (await ask(['POST', '/v1/jobs/shop/stop', {}])),
    ask: ['POST', '/v1/jobs/shop/start', {}],
    meanwhile: ['POST', '/v1/jobs/shop/stop', {}],
  },
  'POST /v1/jobs/{name}/scale': {
    ask: ['POST', '/v1/jobs/shop/scale', { tasks: { main: 3 } }],
    meanwhile: ['POST', '/v1/jobs/shop/scale', { tasks: { main: 1 } }],
  },
  'POST /v1/jobs/{name}/restart': { ask: ['POST', '/v1/jobs/shop/restart', {}] },
  'POST /v1/jobs/{name}/rollback': {
    prepare: async ({ ask }) => void (await ask(['POST', '/v1/jobs', shop('slow:1', 2)])),
    ask: ['POST', '/v1/jobs/shop/rollback', {}],
  },
  'POST /v1/jobs/{name}/promote': {
    prepare: async ({ bench, worker }) => {
      const submit = async (image: string) => {
        const spec = { ...service('canary', image, 2), update: canary };
        await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
        await run(bench, worker);
      };
      await submit('runs');
      await submit('slow:1');
    },
    ask: ['POST', '/v1/jobs/canary/promote', {}],
  },
  'POST /v1/jobs/{name}/dispatch': { ask: ['POST', '/v1/jobs/mail/dispatch', { set: { who: 'you' } }] },
  'POST /v1/tasks/{ref}/stop': { ask: ['POST', '/v1/tasks/shop%2Fmain.1/stop', {}] },
  'POST /v1/volumes/{slot}/release': {
    prepare: async ({ bench, worker }) => {
      const volumes = [{ name: 'data', path: '/data', readOnly: false }];
      await bench.answer(bench.control.submit({ spec: service('db', 'runs', 1, { volumes }), origin: { kind: 'file' } }));
      await run(bench, worker);
      await bench.answer(bench.control.stopJob('db', { purge: false }));
      await run(bench, worker);
    },
    ask: ['POST', '/v1/volumes/db%2Fmain.1/release', {}],
  },
  'DELETE /v1/nodes/{id}': { ask: ['DELETE', '/v1/nodes/gone'] },
  'POST /v1/nodes/{id}/eligible': {
    ask: ['POST', '/v1/nodes/w1/eligible', { eligible: false }],
    meanwhile: ['POST', '/v1/nodes/w1/eligible', { eligible: true }],
  },
  'POST /v1/nodes/{id}/labels': {
    ask: ['POST', '/v1/nodes/w1/labels', { set: { disk: 'ssd' } }],
    meanwhile: ['POST', '/v1/nodes/w1/labels', { set: { disk: 'hdd' } }],
  },
  'PUT /v1/secrets/{name}': {
    ask: ['PUT', '/v1/secrets/db', { value: 'b25l' }],
    meanwhile: ['PUT', '/v1/secrets/db', { value: 'dHdv' }],
  },
  'DELETE /v1/secrets/{name}': {
    prepare: async ({ ask }) => void (await ask(['PUT', '/v1/secrets/db', { value: 'b25l' }])),
    ask: ['DELETE', '/v1/secrets/db'],
    meanwhile: ['PUT', '/v1/secrets/db', { value: 'dHdv' }],
  },
  'PUT /v1/configs/{name}': {
    ask: ['PUT', '/v1/configs/db', { value: 'b25l' }],
    meanwhile: ['PUT', '/v1/configs/db', { value: 'dHdv' }],
  },
  'DELETE /v1/configs/{name}': {
    prepare: async ({ ask }) => void (await ask(['PUT', '/v1/configs/db', { value: 'b25l' }])),
    ask: ['DELETE', '/v1/configs/db'],
    meanwhile: ['PUT', '/v1/configs/db', { value: 'dHdv' }],
  },
  'POST /tasks': { ask: ['POST', '/tasks', seedsEvent] },
  'DELETE /tasks/{id}': { ask: ['DELETE', '/tasks/shop%2Fmain.1'] },
};

/** Every task that is to run runs, and every one that is to stop has stopped. */
async function run(bench: ManagerBench, worker: ScriptedWorker): Promise<void> {
  await bench.pass(100);
  for (let round = 0; round < 3; round++) {
    const live = [...worker.orders().values()].map(({ id }) => bench.host.mirror.tasks.get(id)).filter((task) => task !== undefined);
    const reports = live
      .filter((task) => ['scheduled', 'running', 'stopping'].includes(task.state))
      .map((task) => report(task.id, task.sequence + 1, task.desired === 'stopped' ? 'stopped' : 'running'));
    worker.send({ type: 'reports', reports });
    await bench.pass(100);
  }
}

/** The API of a manager; its book of answers is empty. */
const rigOf = ({ control, world }: ManagerBench): Rig => makeRig({ role: 'manager', deps: { control, clock: world.clock } });

async function setStage(): Promise<Stage> {
  const bench = createManagerBench();
  await bench.start();
  const [worker, gone] = [bench.worker('w1'), bench.worker('gone')];
  await bench.answer(worker.join({ facts: { ...worker.facts, features: ['volumes', 'files'] } }));
  const ask: Stage['ask'] = ([method, path, body], key) => {
    const headers: Readonly<Record<string, string>> = key === undefined ? {} : { 'idempotency-key': key };
    return bench.answer(rigOf(bench).ask(method, path, { headers, ...(body === undefined ? {} : { body }) }));
  };
  await bench.answer(bench.control.submit({ spec: service('shop', 'runs', 2), origin: { kind: 'file' } }));
  await bench.answer(bench.control.submit({ spec: jobSpec('mail', 'parameterized', 'runs', 1), origin: { kind: 'file' } }));
  await run(bench, worker);
  await bench.answer(gone.join());
  gone.leave();
  await bench.pass(10_000);
  return { bench, worker, ask };
}

async function onDisk({ bench, ask }: Stage): Promise<unknown> {
  const { jobs, tasks, nodes, events } = bench.host.mirror;
  const volumes: unknown = await (await ask(['GET', '/v1/volumes'])).json();
  return structuredClone({ jobs, tasks, nodes, events: events.length, volumes });
}

const { deps } = makeRig({ role: 'manager' });
// A plan changes nothing, and tickets are for one use: their answers are never kept.
const rows = routesOf(deps).filter(({ method, secret }) => method !== 'GET' && secret !== true);

for (const { method, path } of rows) {
  const name = `${method} ${path}`;
  test(`${name} is done once for its key, over a crash`, async () => {
    const scenario = scenarios[name];
    assert.ok(scenario, 'write down how it is asked');
    const stage = await setStage();
    const { bench, ask } = stage;
    await scenario.prepare?.(stage);
    const before = await onDisk(stage);
    const first = await ask(scenario.ask, 'key-1');
    assert.ok(first.ok, `${first.status} ${await first.clone().text()}`);
    assert.notDeepEqual(await onDisk(stage), before, 'it changed nothing');
    await bench.pass(100);
    bench.host.kill();
    await bench.start();
    if (scenario.meanwhile) assert.ok((await ask(scenario.meanwhile)).ok);
    await bench.pass(10);
    const between = await onDisk(stage);
    const second = await ask(scenario.ask, 'key-1');
    assert.equal(second.status, first.status, await second.clone().text());
    assert.deepEqual(await onDisk(stage), between, 'it was done again');
    assert.deepEqual(identity(await textOf(second)), identity(await textOf(first)));
    const [asked, at] = [scenario.ask[0], scenario.ask[1]];
    const other = await ask([asked, at, { other: 1 }], 'key-1');
    assert.ok(other.status >= 400, 'another request under that key');
  });
}

async function textOf(response: Response): Promise<string> {
  return response.status === 204 ? '' : response.text();
}

/** What an answer is about. */
function identity(text: string): unknown {
  if (text === '') return undefined;
  const { job, change, name, id, ID, slot, version } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return { job: typeof job === 'object' ? (job as { name: string }).name : job, change, name, id, ID, slot, version };
}

test("a worker's own API hands the key on: one task, and the same answer, also from a manager that was started anew", async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  const key = { key: 'key-1', print: 'print-1' };
  const ask = async (call: number, what: { kind: 'submit'; event: unknown } | { kind: 'stop'; id: string }) => {
    await bench.answer(worker.join());
    await bench.pass(100);
    worker.send({ type: 'call', call, what: { ...what, key } });
    await bench.pass(100);
    return worker.heard.findLast((frame) => frame.type === 'answer' && frame.call === call);
  };
  assert.equal(readTaskEvent(seedsEvent, bench.world.limits).kind, 'run');
  const first = await ask(1, { kind: 'submit', event: seedsEvent });
  bench.host.kill();
  worker.leave();
  await bench.start();
  const second = await ask(2, { kind: 'submit', event: seedsEvent });
  assert.ok(first?.type === 'answer' && first.ok && second?.type === 'answer' && second.ok, JSON.stringify(second));
  assert.equal((second.value as { ID: string }).ID, (first.value as { ID: string }).ID);
  assert.equal(bench.host.mirror.jobs.size, 1);
});
