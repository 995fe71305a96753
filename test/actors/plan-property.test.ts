/** Plans hold: what is planned is what the submit that follows does, to the node. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JobSpec, TaskSpec } from '../../src/core/job.ts';
import type { JobPlan } from '../../src/core/job-plan.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { randomFor } from '../sim/process.ts';
import { startCluster, type Cluster } from '../sim/cluster.ts';
import { taskSpec } from '../sim/scripts.ts';
import { brokenPromises } from './plan-help.ts';

const quietMs = 30_000;
const policies = ['epvm', 'roundrobin', 'spread', 'binpack'] as const;
const dataCenters = { w1: 'east', w2: 'west', w3: 'east', w4: 'west', w5: 'north' } as const;
const [clusters, turns] = [125, 8];

type Chance = (below: number) => number;

/** One time in so many. */
function now<T>(chance: Chance, oneIn: number, value: () => T): T | Record<never, never> {
  return chance(oneIn) === 0 ? value() : {};
}

function anyTask(chance: Chance, type: JobSpec['type'] = 'service'): TaskSpec {
  const cpu = [0, 0.25, 0.75, 1.5, 2, 3][chance(6)]!;
  const ports = chance(4) === 0 ? [{ host: 8_000 + chance(3), container: 80, protocol: 'tcp' as const }] : [];
  const volume = { name: 'data', path: '/data', readOnly: false };
  return taskSpec('service', type === 'batch' ? 'completes:3600000' : 'runs', type === 'system' ? 1 : chance(5), {
    env: { MODE: String(chance(3)) },
    resources: { cpu, memoryBytes: 1_000_000 * chance(4), diskBytes: 0, custom: {} },
    ports,
    stopGraceMs: 1_000 + 1_000 * chance(2),
    ...(type === 'system' ? {} : now(chance, 4, () => ({ maxPerNode: 1 + chance(2) }))),
    ...now(chance, 4, () => ({ spread: 'name' })),
    ...now(chance, 8, () => ({ volumes: [volume] })),
  });
}

function anyUpdate(chance: Chance): Pick<JobSpec, 'update'> {
  const order = ([undefined, 'start-first', 'stop-first'] as const)[chance(3)];
  const update = { parallel: 1 + chance(3), deadlineMs: 600_000, onFailure: 'pause' as const, canary: 0 };
  return { update: order === undefined ? update : { ...update, order } };
}

/** A job of one task or two, of which some ask for more than there is. */
function anyJob(name: string, chance: Chance): JobSpec {
  const type = (['service', 'service', 'service', 'batch', 'system'] as const)[chance(5)]!;
  const web = anyTask(chance, type);
  const depends = type === 'service' ? now(chance, 2, () => ({ dependsOn: { db: 'healthy' as const } })) : {};
  const tasks: Record<string, TaskSpec> = chance(2) === 0 ? { web } : { web: { ...web, ...depends }, db: anyTask(chance, type) };
  return {
    name,
    type,
    datacenters: [[], [], ['east', 'west'], ['north']][chance(4)]!,
    priority: 40 + chance(3) * 10,
    labels: {},
    tasks,
    ...(type === 'batch' ? now(chance, 3, () => ({ parallelism: 1 + chance(3) })) : now(chance, 2, () => anyUpdate(chance))),
  };
}

/** The same job with something else about it, or as it is. */
function changed(job: JobSpec, chance: Chance): JobSpec {
  const [first, ...rest] = Object.keys(job.tasks);
  const web = job.tasks[first!]!;
  const withFirst = (change: Partial<TaskSpec>): JobSpec => ({ ...job, tasks: { ...job.tasks, [first!]: { ...web, ...change } } });
  const { dependsOn: _none, ...alone } = web;
  const scaled = (count: number): Partial<TaskSpec> => (job.type === 'system' ? {} : { count });
  const changes: (() => JobSpec)[] = [
    () => job,
    () => withFirst(scaled(chance(6))),
    () => withFirst({ env: { MODE: String(chance(4)) } }),
    () => withFirst({ stopGraceMs: 5_000 }),
    () => (job.type === 'system' ? job : withFirst({ maxPerNode: 1 + chance(3) })),
    () => ({ ...job, priority: 30 + chance(5) * 10 }),
    () => ({ ...job, tasks: rest.length > 0 ? { [first!]: alone } : { ...job.tasks, db: anyTask(chance, job.type) } }),
    () => anyJob(job.name, chance),
    () => ({ ...job, datacenters: [[], ['east'], ['east', 'west']][chance(3)]! }),
    () => (job.type === 'batch' ? job : { ...job, ...anyUpdate(chance) }),
    () => ({ ...withFirst({ ...scaled(1 + chance(5)), env: { MODE: String(chance(4)) } }), labels: { team: String(chance(2)) } }),
  ];
  return changes[chance(changes.length)]!();
}

/** An answer, and then some quiet. */
async function answered<T>(cluster: Cluster, asked: Promise<T>): Promise<T> {
  await cluster.world.clock.pass(quietMs);
  return asked;
}

async function planAndSubmit(cluster: Cluster, spec: JobSpec): Promise<{ plan: JobPlan; before: TaskRecord[]; change: string }> {
  const before = cluster.tasksOf(spec.name);
  const events = cluster.manager.mirror.events.length;
  const { control } = cluster.manager.role!.manager;
  const request = { spec, origin: { kind: 'file' as const } };
  const planned = control.plan(request);
  await cluster.world.clock.pass(0);
  const plan = await planned;
  assert.equal(cluster.manager.mirror.events.length, events, 'a plan changes nothing');
  const { change } = await answered(cluster, control.submit({ ...request, checkIndex: plan.index }));
  return { plan, before, change };
}

test(
  'what a plan says is what the submit does, for a thousand changes on 125 clusters, by every policy',
  { timeout: 400_000 },
  async () => {
    const told = { place: 0, update: 0, stop: 0, keep: 0, unplaced: 0, waits: 0, preempted: 0, sure: 0 };
    for (let seed = 1; seed <= clusters; seed++) {
      const random = randomFor(seed, 'plans');
      const chance: Chance = (below) => Math.floor(random() * below);
      const scheduler = policies[seed % policies.length]!;
      const workers = ['w1', 'w2', 'w3', 'w4', 'w5'].slice(0, 1 + chance(5));
      // Which of two tasks is updated sooner is a matter of how long each takes; a plan knows nothing of that, and here it takes no time.
      const limits = { updateRunningForMs: 0 };
      const cluster = await startCluster({ seed, scheduler, workers, dataCenters, limits, networkMs: [1, 1], writeMs: [0, 0] });
      await cluster.world.clock.pass(quietMs);
      const jobs = new Map<string, JobSpec>();
      for (let turn = 0; turn < turns; turn++) {
        const name = ['shop', 'mail', 'blog'][chance(3)]!;
        const known = jobs.get(name);
        if (known && chance(6) === 0) {
          await answered(cluster, cluster.manager.role!.manager.control.stopJob(name, { purge: false }));
        }
        const spec = known ? changed(known, chance) : anyJob(name, chance);
        jobs.set(name, spec);
        const { plan, before, change } = await planAndSubmit(cluster, spec);
        const where = `${scheduler}, ${workers.length} nodes, seed ${seed}, turn ${turn}, ${JSON.stringify(known)} to ${JSON.stringify(spec)}`;
        assert.equal(plan.change, change, where);
        const broken = brokenPromises(plan, before, cluster.tasksOf(name));
        assert.deepEqual(broken, [], where);
        for (const { action } of plan.changes) told[action]++;
        told.unplaced += plan.unplaced.length;
        told.preempted += plan.preempted.length;
        told[plan.changes.some(({ waits }) => waits) ? 'waits' : 'sure']++;
      }
    }
    for (const [what, times] of Object.entries(told)) assert.ok(times >= 30, `${what} was planned ${times} times only`);
  },
);
