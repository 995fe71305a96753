/** A real manager on a simulated host, with workers whose every frame is written by the test. */
import type { NodeFacts } from '../../src/core/node.ts';
import type { Order, ReportedState, TaskReport } from '../../src/core/task.ts';
import type { Control } from '../../src/ports/control.ts';
import type { Link, ManagerFrame, WorkerFrame } from '../../src/ports/transport.ts';
import { createManagerHost, type ManagerHost } from '../sim/hosts.ts';
import { createWorld, type World, type WorldOptions } from '../sim/world.ts';

/** A manager whose workers are scripted. */
export interface ManagerBench {
  readonly world: World;
  readonly host: ManagerHost;
  readonly control: Control;
  /** Starts the manager, and waits until it leads. */
  start(): Promise<void>;
  pass(ms: number): Promise<void>;
  /** Waits for an answer. @throws what it throws */
  answer<T>(asked: Promise<T>, withinMs?: number): Promise<T>;
  /** A worker of that name, on a host of that name; it does nothing before it joins. */
  worker(name: string, id?: string): ScriptedWorker;
}

/** A worker's end of a link. */
export interface ScriptedWorker {
  readonly id: string;
  readonly facts: NodeFacts;
  /** Frames of the manager, oldest first. */
  readonly heard: ManagerFrame[];
  /** Why its link closed. */
  readonly closed: string[];
  /** Opens a link and greets; beats every second from then on, until `silent`. */
  join(greeting?: Partial<Extract<WorkerFrame, { type: 'greet' }>>): Promise<void>;
  send(frame: WorkerFrame): void;
  /** Says no more. */
  silence(): void;
  /** Closes its link. */
  leave(): void;
  /** The newest order of each task. */
  orders(): Map<string, Order>;
  /** The newest verdict on each task that it held. */
  verdicts(): Map<string, 'stop' | 'adopt'>;
}

/** A report as a worker writes it. */
export function report(id: string, sequence: number, state: ReportedState, more: Partial<TaskReport> = {}): TaskReport {
  return { id, sequence, state, health: 'unknown', attempt: 1, restarts: 0, ...more };
}

/** What a scripted worker says of its host. */
export function factsOf(name: string, id: string): NodeFacts {
  return {
    id,
    name,
    dc: 'dc1',
    role: 'worker',
    labels: {},
    capacity: { cpu: 4, memoryBytes: 8_000_000_000, diskBytes: 100_000_000_000, custom: {} },
    slotsMax: 250,
    ports: { from: 20_000, to: 20_099 },
    portsIp: '127.0.0.1',
    os: 'linux',
    arch: 'x64',
    version: '0.0.0',
    runtime: { name: 'fake', version: '1' },
  };
}

function scriptedWorker(world: World, name: string, id = `node-${name}`): ScriptedWorker {
  const heard: ManagerFrame[] = [];
  const closed: string[] = [];
  let link: Link<ManagerFrame, WorkerFrame> | undefined;
  let timer: unknown;
  const beat = (): void => {
    link?.send({ type: 'beat', usage: null });
    timer = world.clock.setTimeout(beat, world.limits.heartbeatMs);
  };
  return {
    id,
    facts: factsOf(name, id),
    heard,
    closed,
    async join(greeting = {}) {
      link = await world.network.dialer<ManagerFrame, WorkerFrame>(name).dial('m1:5555', new AbortController().signal);
      link.listen({ onFrame: (frame) => void heard.push(frame), onClose: (why) => void closed.push(why) });
      const facts = factsOf(name, id);
      link.send({
        type: 'greet',
        protocolMin: 1,
        protocolMax: 1,
        clusterId: null,
        facts,
        epoch: null,
        revision: 0,
        reports: [],
        unknown: [],
        ...greeting,
      });
      world.clock.clearTimeout(timer);
      beat();
    },
    send: (frame) => link?.send(frame),
    silence: () => world.clock.clearTimeout(timer),
    leave() {
      world.clock.clearTimeout(timer);
      link?.close('the worker leaves');
    },
    orders() {
      const orders = new Map<string, Order>();
      for (const frame of heard) {
        if (frame.type === 'assignments' || frame.type === 'delta') for (const order of frame.orders) orders.set(order.id, order);
      }
      return orders;
    },
    verdicts: () =>
      new Map(heard.flatMap((frame) => (frame.type === 'assignments' ? frame.verdicts.map((one) => [one.id, one.verdict] as const) : []))),
  };
}

/** @param options of the world; the clock stands still until somebody passes time */
export function createManagerBench(options: Partial<WorldOptions> = {}): ManagerBench {
  const world = createWorld({ seed: 1, networkMs: [0, 0], writeMs: [0, 0], ...options });
  const host = createManagerHost(world, 'm1', () => undefined);
  const bench: ManagerBench = {
    world,
    host,
    get control() {
      return host.role!.manager.control;
    },
    start: () => bench.answer(host.start()),
    pass: (ms) => world.clock.pass(ms),
    async answer(asked, withinMs = 10_000) {
      let settled = false;
      const note = (): void => void (settled = true);
      asked.then(note, note);
      for (let waited = 0; !settled; waited += 10) {
        if (waited > withinMs) throw new Error(`no answer within ${withinMs} ms`);
        await world.clock.pass(10);
      }
      return asked;
    },
    worker: (name, nodeId) => scriptedWorker(world, name, nodeId),
  };
  return bench;
}
