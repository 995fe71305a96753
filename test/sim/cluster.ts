/**
 * A whole cluster in one process, from one seed: the node's real code on a simulated clock, an in-memory network, disks in memory and
 * fake engines. Time moves only when it is told to, one timer after another, and after each the checkers look.
 */
import { CubeError, type ErrorCode } from '../../src/core/errors.ts';
import type { JobSpec } from '../../src/core/job.ts';
import type { Slot } from '../../src/core/slots.ts';
import type { JobView, StatusView, SubmitAnswer, SubmitRequest } from '../../src/ports/control.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { Control } from '../../src/ports/control.ts';
import {
  checkContainers,
  checkSlots,
  createAckChecker,
  createHistoryChecker,
  createOrderChecker,
  createSequenceChecker,
  type RunningContainer,
} from './checkers.ts';
import { settle } from './clock.ts';
import { createManagerHost, createWorkerHost, type Host, type ManagerHost, type WorkerHost } from './hosts.ts';
import { createPromises, type Heard, type Wish } from './promises.ts';
import { unsettled, type Fate } from './settled.ts';
import { fateOf, scriptOf } from './scripts.ts';
import { tale } from './tale.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

/** What a cluster is made of. */
export interface ClusterOptions extends WorldOptions {
  /** Names of the hosts with workers; `w1` unless told. */
  readonly workers?: readonly string[];
  /** Who opens the links; the workers unless told. */
  readonly dials?: 'workers' | 'manager';
  /** What becomes of a slot; what its image says unless told. */
  readonly fate?: (slot: Slot) => Fate;
}

/** How a request ended. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: ErrorCode };

/** Times that the harness waits at most, in simulated time. */
const waits = { startMs: 10_000, answerMs: 10_000, settleMs: 180_000 };

export class Cluster {
  readonly world: World;
  readonly manager: ManagerHost;
  readonly workers: readonly WorkerHost[];
  /** Hosts whose workers have lost writes. */
  readonly forgetful = new Set<string>();
  /** Tasks a container of which somebody removed: its attempt may be made again. */
  readonly removedByHand = new Set<string>();
  /** Tasks that were given up while their nodes were out of reach. */
  readonly #lost = new Set<string>();
  /** Tasks that nobody ever asked for, and which have a container all the same. */
  readonly strays = new Set<string>();
  readonly #promises = createPromises();
  readonly #history = createHistoryChecker();
  readonly #acks = createAckChecker();
  readonly #dials: 'workers' | 'manager';
  readonly #fate: (slot: Slot) => Fate;
  /** Requests under way. */
  #asked = 0;

  constructor(options: ClusterOptions) {
    this.world = createWorld({ ...options, scripts: options.scripts ?? scriptOf });
    const { world } = this;
    this.#dials = options.dials ?? 'workers';
    this.#fate = options.fate ?? fateOf;
    this.manager = createManagerHost(world, 'm1', (event) => {
      world.blame(this.#history.see(event));
      if (event.machine === 'task' && event.to === 'lost') this.#lost.add(event.id);
    });
    const address = this.#dials === 'workers' ? this.manager.address : undefined;
    this.workers = (options.workers ?? ['w1']).map((name) => createWorkerHost(world, name, address));
    this.#watchFrames();
  }

  get hosts(): readonly Host[] {
    return [this.manager, ...this.workers];
  }

  host(name: string): WorkerHost {
    const found = this.workers.find((host) => host.name === name);
    if (found === undefined) throw new Error(`there is no host ${name}`);
    return found;
  }

  #watchFrames(): void {
    const sequences = createSequenceChecker();
    const orders = createOrderChecker();
    this.world.sees = (frame, node) => {
      if (node === undefined)
        return [...orders.sent(frame, this.manager.mirror.tasks), ...this.#acks.sent(frame, this.manager.mirror.tasks)];
      this.#acks.reported(frame, node);
      return sequences.sent(node, frame);
    };
  }

  // --- time

  /** One timer, then a look. @throws when something is wrong */
  async step(until = Number.POSITIVE_INFINITY): Promise<boolean> {
    const more = await this.world.clock.step(until);
    this.check();
    return more;
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const until = this.world.clock.monotonic() + ms;
    let more = true;
    while (more) more = await this.step(until);
  }

  /** Lets time pass until something is so. @throws when it does not come about */
  async until(what: string, isSo: () => boolean, withinMs = waits.settleMs): Promise<void> {
    const until = this.world.clock.monotonic() + withinMs;
    await settle();
    while (!isSo()) {
      if (!(await this.step(until)) && !isSo()) this.fail(`waited ${withinMs} ms in vain until ${what}`);
    }
  }

  /** Lets time pass until a promise settles. @throws what it throws */
  async finish<T>(promise: Promise<T>, withinMs = waits.answerMs): Promise<T> {
    let settled = false;
    const note = (): void => void (settled = true);
    promise.then(note, note);
    await this.until('a promise settles', () => settled, withinMs);
    return promise;
  }

  // --- hosts

  /** Starts hosts, all unless told. */
  async start(...hosts: readonly Host[]): Promise<void> {
    for (const host of hosts.length > 0 ? hosts : this.hosts) {
      await this.finish(host.start(), waits.startMs);
      if (host === this.manager && this.#dials === 'manager') this.#dialWorkers();
    }
  }

  #dialWorkers(): void {
    for (const worker of this.workers) this.manager.role?.dial(worker.address);
  }

  /** Starts a host whatever comes, as a supervisor does: again after a second when it failed. */
  keepStarting(host: Host): void {
    if (host.process?.alive) return;
    host.start().then(
      () => {
        if (host === this.manager && this.#dials === 'manager') this.#dialWorkers();
      },
      () => this.world.clock.setTimeout(() => this.keepStarting(host), 1_000),
    );
  }

  // --- requests

  submit(spec: JobSpec, more: Partial<SubmitRequest> = {}): Promise<Answer<SubmitAnswer>> {
    const request: SubmitRequest = { spec, origin: { kind: 'file' }, ...more };
    return this.ask((control) => control.submit(request), { kind: 'submit', job: spec.name, spec: spec.priority });
  }

  /** A job that has completed has nothing left to stop: then nothing changes. */
  stop(job: string, purge = false): Promise<Answer<JobView>> {
    const changes = (view: JobView): boolean => purge || view.stopWanted || view.status !== 'completed';
    return this.ask((control) => control.stopJob(job, { purge }), { kind: 'stop', job, purge }, changes);
  }

  startJob(job: string): Promise<Answer<JobView>> {
    return this.ask((control) => control.startJob(job), { kind: 'start', job });
  }

  stopTask(ref: string): Promise<Answer<TaskRecord>> {
    return this.ask((control) => control.stopTask(ref));
  }

  status(): Promise<Answer<StatusView>> {
    return this.ask((control) => control.status());
  }

  /** Asks the manager; who asks hears nothing more of one that dies. What was promised is remembered. */
  async ask<T>(request: (control: Control) => Promise<T>, wish?: Wish, changes: (value: T) => boolean = () => true): Promise<Answer<T>> {
    const { role, process } = this.manager;
    if (role === undefined || process === undefined) return { ok: false, code: 'unreachable' };
    this.#asked++;
    const made = wish && this.#promises.made(wish);
    const died = new Promise<Answer<T>>((resolve) => process.onDeath(() => resolve({ ok: false, code: 'unreachable' })));
    const asked = request(role.manager.control).then(
      (value): Answer<T> => ({ ok: true, value }),
      (thrown: unknown): Answer<T> => {
        if (!(thrown instanceof CubeError)) throw thrown;
        return { ok: false, code: thrown.code };
      },
    );
    const answer = await Promise.race([asked, died]);
    this.#asked--;
    made?.(answer.ok && !changes(answer.value) ? 'refused' : heardOf(answer));
    if (answer.ok && wish) this.world.blame(this.#promises.check(this.manager.mirror.jobs).map((problem) => `just answered: ${problem}`));
    return answer;
  }

  // --- looks

  running(): RunningContainer[] {
    return this.workers.flatMap(({ name: host, engine }) =>
      engine.running().map(({ ref, work }) => ({ host, name: ref.name, taskId: work.order.id })),
    );
  }

  /** Whether the manager leads. */
  get leads(): boolean {
    return this.manager.role?.manager.control.ready() ?? false;
  }

  /** Records of a job, as they are on disk. */
  tasksOf(job: string): TaskRecord[] {
    return [...this.manager.mirror.tasks.values()].filter((task) => task.job === job);
  }

  jobStatus(name: string): string {
    return this.manager.mirror.jobs.get(name)?.status ?? 'none';
  }

  /** What must hold at every step. @throws with all that is known when it does not */
  check(): void {
    const { world, manager } = this;
    const { jobs, tasks } = manager.mirror;
    world.blame(checkSlots(tasks.values()));
    world.blame(checkContainers(this.running(), tasks, ({ host, taskId }) => this.#mayRun(host, taskId)));
    world.blame(this.#promises.check(jobs));
    for (const { engine, name } of this.workers) {
      for (const id of engine.doubles) world.blame([`task ${id} runs in two containers on ${name}`]);
      for (const { work } of engine.containers.values()) {
        if (!this.removedByHand.has(work.order.id) && engine.made(work.order.id, work.attempt) > 1)
          world.blame([`attempt ${work.attempt} of ${work.order.slot} was made twice on ${name}`]);
      }
    }
    if (world.violations.length > 0) this.fail(world.violations.join('\n'));
  }

  /** Whether a container may run without a record, for a while. */
  #mayRun(host: string, taskId: string): boolean {
    return this.forgetful.has(host) || this.#lost.has(taskId) || this.strays.has(taskId);
  }

  /** What a healthy cluster still has to do. */
  unsettled(): readonly string[] {
    const { mirror } = this.manager;
    const look = { ...mirror, running: this.running(), kept: this.#kept(), fate: this.#fate };
    const problems = [...unsettled(look), ...this.#acks.unanswered()];
    if (!this.leads) problems.push('nobody leads');
    for (const host of this.hosts) if (!host.up) problems.push(`${host.name} is not up`);
    if (this.#asked > 0) problems.push(`${this.#asked} requests have no answer`);
    return problems;
  }

  #kept(): string[] {
    return this.workers.flatMap(({ engine }) => [...engine.containers.values()].map(({ work }) => work.order.id));
  }

  /** Lets a healthy cluster come to rest. @throws with what is missing when it does not */
  async settled(withinMs = waits.settleMs): Promise<void> {
    const until = this.world.clock.monotonic() + withinMs;
    while (this.unsettled().length > 0) {
      if (!(await this.step(until))) this.fail(`not settled after ${withinMs} ms:\n${this.unsettled().join('\n')}`);
    }
  }

  /** The whole history as text: the same for the same seed. */
  transcript(): string {
    const { lines } = this.world;
    const calls = this.workers.map(({ name, engine }) => ({ name, calls: engine.calls }));
    return JSON.stringify({ events: this.manager.mirror.events, lines, calls }, null, 1);
  }

  /** @throws always, with all that helps to understand */
  fail(why: string): never {
    throw new Error(tale(why, this.world, this.manager.mirror.events));
  }
}

/** What a user knows after an answer. */
function heardOf(answer: Answer<unknown>): Heard {
  if (answer.ok) return 'done';
  return answer.code === 'unreachable' || answer.code === 'store-failed' ? 'unknown' : 'refused';
}

/** A cluster that runs: all hosts are up, all workers welcome. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster(options);
  await cluster.start();
  await cluster.until('all nodes are ready', () => {
    const nodes = [...cluster.manager.mirror.nodes.values()];
    return nodes.length === cluster.workers.length && nodes.every((node) => node.state === 'ready');
  });
  return cluster;
}
