/** Reconciling over a job's whole life: random histories in a simple model of a cluster. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JobRecord, JobType } from '../../src/core/job.ts';
import { reconcile } from '../../src/core/reconcile.ts';
import { isDone, isStuck } from '../../src/core/slots.ts';
import { isFinal, type TaskRecord, type TaskState } from '../../src/core/task.ts';
import { jobOf, limits, look, record } from './records.ts';

type Step =
  /** The record at this place (modulo their number) comes to this, if it lives and its node can be heard. */
  | { readonly do: 'report'; readonly at: number; readonly state: TaskState }
  | { readonly do: 'down'; readonly node: string }
  | { readonly do: 'up'; readonly node: string }
  | { readonly do: 'submit'; readonly count: number; readonly isNew: boolean }
  | { readonly do: 'stopTask'; readonly at: number }
  | { readonly do: 'stop' }
  | { readonly do: 'start' };

const reported: TaskState[] = ['scheduled', 'running', 'backingOff', 'stopped', 'completed', 'failed', 'rejected', 'lost'];
const nodes = ['n0', 'n1', 'n2'];

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('report' as const), at: fc.nat(20), state: fc.constantFrom(...reported) }) },
    fc.record({ do: fc.constant('down' as const), node: fc.constantFrom(...nodes) }),
    fc.record({ do: fc.constant('up' as const), node: fc.constantFrom(...nodes) }),
    { weight: 2, arbitrary: fc.record({ do: fc.constant('submit' as const), count: fc.nat(3), isNew: fc.boolean() }) },
    fc.record({ do: fc.constant('stop' as const) }),
    fc.record({ do: fc.constant('start' as const) }),
    fc.record({ do: fc.constant('stopTask' as const), at: fc.nat(20) }),
  ),
  { maxLength: 40 },
);

/** The manager's own edges of a stop: what waits or cannot be heard ends at once. */
const endOf: Partial<Record<TaskState, TaskState>> = { pending: 'stopped', unreachable: 'lost' };

/** A cluster, as far as one job is concerned. */
class Model {
  job: JobRecord;
  tasks: TaskRecord[] = [];
  now = 1_000;
  readonly parallel: number;
  readonly #before = new Map<string, TaskState>();
  readonly #down = new Set<string>();

  constructor(type: JobType, hasPort: boolean, parallel: number) {
    this.job = jobOf(type, 2, {}, hasPort ? { ports: [{ host: 80, container: 80, protocol: 'tcp' }] } : {});
    this.parallel = parallel;
  }

  #put(task: TaskRecord): void {
    this.tasks = this.tasks.map((other) => (other.id === task.id ? task : other));
  }

  /** As the manager does after each turn: reconciles until nothing is left to change. */
  follow(): void {
    for (let round = 0; ; round++) {
      assert.ok(round < 10, 'it never comes to rest');
      const { slots, extra } = look(this.job, this.tasks);
      const changes = reconcile(this.job, slots, extra, this.now, { ...limits, updateParallel: this.parallel });
      if (changes.length === 0) return this.check();
      for (const change of changes) {
        if (change.kind === 'stop') this.#stop(change.task);
        else this.#create(change.slot.index, change.slot.specHash, change.failures);
      }
    }
  }

  #create(index: number, specHash: string, failures: number): void {
    this.tasks.push(record(index, 'pending', { specHash, version: this.job.version, run: this.job.run, failures, createdAt: ++this.now }));
  }

  #stop(task: TaskRecord): void {
    assert.ok(!isFinal(task), 'what has ended is not stopped');
    assert.equal(task.desired, 'running', 'nothing is stopped twice');
    this.#put({ ...task, desired: 'stopped', ...(endOf[task.state] ? { state: endOf[task.state]! } : {}) });
  }

  check(): void {
    const wanted = this.tasks.filter((task) => !isFinal(task) && task.desired === 'running' && task.state !== 'unreachable');
    const versions = wanted.map((task) => `${task.slot} ${task.specHash}`);
    assert.equal(new Set(versions).size, versions.length, 'a slot has two wanted records of one version');
    const hasPort = this.job.spec.tasks['web']!.ports.length > 0;
    for (const slot of new Set(wanted.map((task) => task.slot))) {
      const most = hasPort ? 1 : 2;
      assert.ok(wanted.filter((task) => task.slot === slot).length <= most, `${slot} has more than ${most} wanted records`);
    }
  }

  run(step: Step): void {
    this.now += 10;
    if (step.do === 'report') this.#report(step.at, step.state);
    else if (step.do === 'down') this.#lose(step.node);
    else if (step.do === 'up') this.#find(step.node);
    else if (step.do === 'submit') this.#submit(step.count, step.isNew);
    else if (step.do === 'stop') this.job = { ...this.job, stopWanted: true };
    else if (step.do === 'start') this.job = { ...this.job, stopWanted: false, run: this.job.run + 1 };
    else {
      const live = this.tasks.filter((task) => !isFinal(task) && task.desired === 'running');
      if (live.length > 0) this.#stop(live[step.at % live.length]!);
    }
    this.follow();
  }

  #submit(count: number, isNew: boolean): void {
    const version = this.job.version + 1;
    const web = { ...this.job.spec.tasks['web']!, count };
    const hashes = isNew ? { web: `v${version}` } : this.job.hashes;
    this.job = { ...this.job, version, hashes, stopWanted: false, run: this.job.run + 1, spec: { ...this.job.spec, tasks: { web } } };
  }

  #report(at: number, state: TaskState): void {
    const live = this.tasks.filter((task) => !isFinal(task) && task.state !== 'unreachable');
    const task = live[at % live.length];
    if (task === undefined) return;
    // A worker knows of what was placed only; what is told to stop ends so.
    if (task.state === 'pending') this.#place(task, at);
    else if (task.desired === 'stopped') this.#put({ ...task, state: 'stopped', finishedAt: this.now });
    else if (state !== 'stopped')
      this.#put({ ...task, state, ...(isFinal({ state }) ? { finishedAt: this.now } : { startedAt: this.now }) });
  }

  #place(task: TaskRecord, at: number): void {
    const up = nodes.filter((node) => !this.#down.has(node));
    if (up.length > 0) this.#put({ ...task, state: 'scheduled', node: up[at % up.length]! });
  }

  #lose(node: string): void {
    this.#down.add(node);
    for (const task of this.tasks) {
      if (task.node !== node || isFinal(task) || task.state === 'unreachable') continue;
      this.#before.set(task.id, task.state);
      this.#put({ ...task, state: 'unreachable' });
    }
  }

  #find(node: string): void {
    this.#down.delete(node);
    for (const task of this.tasks) {
      if (task.node === node && task.state === 'unreachable') this.#put({ ...task, state: this.#before.get(task.id)! });
    }
  }

  /** From now on all goes well. */
  heal(): void {
    for (const node of nodes) this.#find(node);
    this.follow();
    for (let round = 0; round < 60; round++) {
      this.now += 120_000;
      for (const task of this.tasks.filter((one) => !isFinal(one))) {
        if (task.desired === 'stopped') this.#put({ ...task, state: 'stopped', finishedAt: this.now });
        else if (task.state === 'pending') this.#put({ ...task, state: 'scheduled', node: 'n0' });
        else this.#put({ ...task, state: 'running', startedAt: this.now });
        this.follow();
      }
    }
  }

  checkSettled(): void {
    const { slots, extra } = look(this.job, this.tasks);
    assert.deepEqual(extra, [], 'nothing lives that belongs to no slot');
    if (this.job.stopWanted)
      return assert.deepEqual(
        slots.flatMap((slot) => slot.live),
        [],
        'nothing lives of a stopped job',
      );
    const stuck = slots.filter((slot) => isDone(slot) || isStuck(slot, this.job));
    for (const slot of slots) {
      const states = slot.live.map((task) => `${task.specHash} ${task.state} ${task.desired}`);
      const isOld = slot.live.every((task) => task.specHash !== slot.specHash);
      if (isDone(slot)) assert.deepEqual(states, [], `${slot.name} has completed`);
      else if (stuck.length > 0 && isOld) assert.ok(states.length <= 1, `${slot.name} keeps what it has: the update halts`);
      else assert.deepEqual(states, [`${slot.specHash} running running`], slot.name);
    }
  }
}

test('whatever happens, no slot has two wanted records of a version, and when all is well every slot gets what it wants', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<JobType>('service', 'batch'),
      fc.boolean(),
      fc.integer({ min: 1, max: 3 }),
      steps,
      (type, hasPort, parallel, history) => {
        const model = new Model(type, hasPort, parallel);
        model.follow();
        for (const step of history) model.run(step);
        model.heal();
        model.checkSettled();
      },
    ),
    { numRuns: 500 },
  );
});
