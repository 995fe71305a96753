/** A real manager, and nodes that do at once what they are told, so that what is measured is the manager's own. Its timers are counted. */
import type { JobRecord, JobSpec } from '../../src/core/job.ts';
import type { Order, TaskRecord } from '../../src/core/task.ts';
import type { Clock } from '../../src/ports/ambient.ts';
import type { Control } from '../../src/ports/control.ts';
import type { ManagerFrame, WorkerFrame } from '../../src/ports/transport.ts';
import { createManagerHost } from '../sim/hosts.ts';
import { createWorld, type World } from '../sim/world.ts';
import { factsOf, report } from './manager-bench.ts';

/** How much was asked of a clock. */
export interface TimerCounts {
  /** Timers that are set and have neither fired nor been cleared. */
  outstanding: number;
  /** The most there ever were at once. */
  most: number;
  /** All that were ever set. */
  set: number;
}

/** A manager with obedient nodes. */
export interface Fleet {
  readonly control: Control;
  /** The manager's. */
  readonly timers: TimerCounts;
  /** Batches that the manager has written to its disk. */
  readonly commits: number;
  readonly job: (name: string) => JobRecord | undefined;
  readonly tasks: () => TaskRecord[];
  /** Lets time pass until something is so. @throws when it does not come about within so many ms of its own time */
  until(what: string, isSo: () => boolean, withinMs?: number): Promise<void>;
  /** Waits for an answer. @throws what it throws */
  answer<T>(asked: Promise<T>): Promise<T>;
}

/** A clock that counts what is set on it. */
function countedClock(clock: Clock, counts: TimerCounts): Clock {
  const live = new Set<object>();
  const gone = (timer: object): void => {
    if (live.delete(timer)) counts.outstanding--;
  };
  return {
    now: clock.now,
    monotonic: clock.monotonic,
    setTimeout(run, ms) {
      const timer = { inner: undefined as unknown };
      timer.inner = clock.setTimeout(() => {
        gone(timer);
        run();
      }, ms);
      live.add(timer);
      counts.set++;
      counts.outstanding++;
      counts.most = Math.max(counts.most, counts.outstanding);
      return timer;
    },
    clearTimeout(handle) {
      if (typeof handle !== 'object' || handle === null || !('inner' in handle)) return;
      gone(handle);
      clock.clearTimeout(handle.inner);
    },
  };
}

/** A node on which everything runs, and is healthy, as soon as it is ordered, and is gone as soon as it is to stop. */
async function join(world: World, name: string): Promise<void> {
  const link = await world.network.dialer<ManagerFrame, WorkerFrame>(name).dial('m1:5555', new AbortController().signal);
  const sequences = new Map<string, number>();
  const obey = ({ id, desired }: Order) => {
    const before = sequences.get(id);
    if (desired === 'running' ? before !== undefined : before === undefined || before > 1) return [];
    sequences.set(id, (before ?? 0) + 1);
    if (desired === 'stopped') return [report(id, 2, 'stopped', { exitCode: 143, finishedAt: world.clock.now() })];
    return [report(id, 1, 'running', { health: 'healthy', hasCheck: true, startedAt: world.clock.now() })];
  };
  const onFrame = (frame: ManagerFrame): void => {
    if (frame.type !== 'assignments' && frame.type !== 'delta') return;
    const reports = frame.orders.flatMap(obey);
    if (reports.length > 0) link.send({ type: 'reports', reports });
  };
  link.listen({ onFrame, onClose: (why) => world.blame([`the link of ${name} closed: ${why}`]) });
  link.send({
    type: 'greet',
    protocolMin: 1,
    protocolMax: 2,
    clusterId: null,
    facts: factsOf(name, `node-${name}`),
    epoch: null,
    revision: 0,
    reports: [],
    unknown: [],
  });
  const beat = (): void => {
    link.send({ type: 'beat', usage: null });
    world.clock.setTimeout(beat, world.limits.heartbeatMs);
  };
  beat();
}

/** A service of so many instances that ask for next to nothing. */
export function wide(spec: JobSpec, count: number, parallel: number, mode: string): JobSpec {
  const main = {
    ...spec.tasks['main']!,
    count,
    env: { MODE: mode },
    resources: { cpu: 0.001, memoryBytes: 0, diskBytes: 0, custom: {} },
  };
  const update = { parallel, order: 'start-first', healthyForMs: 0, deadlineMs: 300_000, onFailure: 'rollback', canary: 0 } as const;
  return { ...spec, tasks: { main }, update };
}

/** Starts a manager with so many nodes, all of them ready. */
export async function startFleet(nodes: number): Promise<Fleet> {
  const world = createWorld({ seed: 1, networkMs: [0, 0], writeMs: [0, 0] });
  const timers: TimerCounts = { outstanding: 0, most: 0, set: 0 };
  let commits = 0;
  const counted: World = {
    ...world,
    processes: { ...world.processes, clock: countedClock(world.clock, timers) },
    writeFault: () => void commits++,
  };
  const host = createManagerHost(counted, 'm1', () => undefined);
  const until: Fleet['until'] = async (what, isSo, withinMs = 60_000) => {
    const giveUpAt = world.clock.monotonic() + withinMs;
    while (!isSo()) {
      const more = await world.clock.step(giveUpAt);
      if (world.violations.length > 0) throw new Error(world.violations.join('\n'));
      if (!more && !isSo()) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    }
  };
  const fleet: Fleet = {
    timers,
    until,
    get control() {
      return host.role!.manager.control;
    },
    get commits() {
      return commits;
    },
    job: (name) => host.mirror.jobs.get(name),
    tasks: () => [...host.mirror.tasks.values()],
    async answer(asked) {
      let settled = false;
      const note = (): void => void (settled = true);
      asked.then(note, note);
      await until('an answer came', () => settled);
      return asked;
    },
  };
  await fleet.answer(host.start());
  for (let at = 1; at <= nodes; at++) await fleet.answer(join(world, `w${at}`));
  await until('all nodes are ready', () => [...host.mirror.nodes.values()].filter(({ state }) => state === 'ready').length === nodes);
  return fleet;
}
