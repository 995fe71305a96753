/** The two roles of a node: each an actor system of its own with what it works with. */
import { createActor, type Actor } from 'xstate';
import { createManagerLogic, type ManagerLogic } from '../../actors/manager/logic.ts';
import { createWorkerLogic } from '../../actors/worker/logic.ts';
import type { WorkerBook } from '../../actors/worker/book.ts';
import type { WorkerDesk } from '../../actors/worker/desk.ts';
import type { managerMachine } from '../../machines/manager.ts';
import type { workerMachine } from '../../machines/worker.ts';
import { runTaskEvent } from '../api/seeds.ts';
import { asCubeError, problem } from '../core/errors.ts';
import type { NodeOptions } from '../core/node-options.ts';
import type { Ambient, Metrics } from '../ports/ambient.ts';
import type { RequestKey, WorkerControl } from '../ports/control.ts';
import type { KeptLogs } from '../ports/kept-logs.ts';
import type { HostMeter, Runtime } from '../ports/runtime.ts';
import type { Scorer } from '../ports/scorer.ts';
import type { Sealer } from '../ports/sealing.ts';
import type { Store } from '../ports/store.ts';
import type { Dialer, Link } from '../ports/transport.ts';
import { abortable } from '../runtime/abort.ts';
import { registerGauges } from './gauges.ts';
import { Opened } from './opened.ts';
import { nodeFacts } from './runtime.ts';

/** What both roles are given. */
export interface RoleParts {
  readonly options: NodeOptions;
  readonly ambient: Ambient;
  readonly metrics: Metrics;
  readonly dialer: Dialer;
  /** Gives up the start. */
  readonly signal?: AbortSignal;
}

/** A manager that runs. */
export interface ManagerRole {
  readonly actor: Actor<typeof managerMachine>;
  readonly manager: ManagerLogic;
  /** Takes an open connection of a worker. */
  accept(link: Link): void;
  /** Keeps a link to a worker at an address. */
  dial(address: string): void;
  stop(): Promise<void>;
}

/** Starts the manager; settles when it leads. @throws CubeError when it cannot; the scorer and the store are closed then */
export async function startManager(
  parts: RoleParts & { readonly openStore: () => Store; readonly scorer: Scorer; readonly sealer: Sealer },
): Promise<ManagerRole> {
  const { options, ambient, dialer, openStore, scorer, sealer } = parts;
  const connections = new Map<string, Link>();
  const manager = createManagerLogic({
    ambient,
    limits: options.limits,
    openStore,
    scorer,
    policy: options.scheduler,
    sealer,
    dialer,
    connections,
  });
  const actor = createActor(manager.logic, { id: 'manager', clock: ambient.clock });
  manager.attach(actor);
  registerGauges(parts.metrics, () => manager.measured());
  manager.answerCalls(async (what, node) => {
    const control = what.key === undefined ? manager.control : manager.control.keyed(what.key);
    if (what.kind === 'submit') return runTaskEvent(control, options.limits, what.event, node);
    await control.stopTask(what.id);
    return null;
  });
  const leads = reaches(
    actor,
    (snapshot) => snapshot.matches('leading'),
    (snapshot) => (snapshot.matches('following') ? snapshot.context.reason : null),
  );
  const opened = new Opened(ambient.log);
  opened.add('the scorer', () => scorer.close());
  opened.add("the manager's store", () => manager.close());
  opened.add('the manager', () => actor.send({ type: 'manager.stop' }));
  actor.start();
  await startedOr(opened, leads, parts.signal);
  let links = 0;
  return {
    actor,
    manager,
    accept(link) {
      const id = `link-${++links}`;
      connections.set(id, link);
      actor.send({ type: 'link.wanted', id, peer: link.peer, redials: false });
    },
    dial: (address) => actor.send({ type: 'link.wanted', id: `dial-${address}`, peer: address, redials: true }),
    stop: () => opened.close(),
  };
}

/** A worker that runs. */
export interface WorkerRole {
  readonly actor: Actor<typeof workerMachine>;
  readonly desk: WorkerDesk;
  readonly control: WorkerControl;
  accept(link: Link): void;
  dial(address: string): void;
  stop(stopTasks: boolean): Promise<void>;
}

/** What a worker is given beside that. */
export interface WorkerParts extends RoleParts {
  readonly book: WorkerBook;
  readonly store: Store;
  readonly runtime: Runtime;
  readonly meter: HostMeter;
  readonly keptLogs: KeptLogs;
  /** Hears why a manager does not take this worker, each time it says so. */
  readonly onRefused?: (reason: string) => void;
}

/** Starts the worker; settles when it has taken up what ran before. @throws CubeError; the store and the runtime are closed then */
export async function startWorker(parts: WorkerParts): Promise<WorkerRole> {
  const { options, ambient, dialer, book, store, runtime, meter, keptLogs, onRefused } = parts;
  const connections = new Map<string, Link>();
  const facts = async (nodeId: string) => nodeFacts(options, nodeId, await runtime.facts());
  const worker = createWorkerLogic({
    ambient,
    limits: options.limits,
    book,
    runtime,
    meter,
    keptLogs,
    dialer,
    connections,
    facts,
    ...(onRefused ? { onRefused } : {}),
  });
  const actor = createActor(worker.logic, { id: 'worker', clock: ambient.clock });
  worker.attach(actor);
  const recovered = reaches(
    actor,
    (snapshot) => snapshot.matches('joining'),
    (snapshot) => (snapshot.matches('waiting') ? snapshot.context.reason : null),
  );
  const opened = new Opened(ambient.log);
  let stopTasks = false;
  opened.add('the runtime', () => runtime.close());
  opened.add("the worker's store", () => store.close());
  opened.add("the worker's links", () => {
    for (const link of connections.values()) link.close('the worker stops');
  });
  opened.add('the worker', async () => {
    const stopped = reaches(actor, (snapshot) => snapshot.status === 'done');
    actor.send({ type: 'worker.stop', stopTasks });
    await stopped;
  });
  actor.start();
  await startedOr(opened, recovered, parts.signal);
  let links = 0;
  return {
    actor,
    desk: worker.desk,
    control: workerControl(worker.desk),
    accept(link) {
      if (worker.desk.isConnected) return link.close('this worker has an open link already');
      const id = `link-${++links}`;
      connections.set(id, link);
      actor.send({ type: 'link.wanted', id, peer: link.peer, redials: false });
    },
    dial: (address) => actor.send({ type: 'link.wanted', id: 'link', peer: address, redials: true }),
    stop(withTasks) {
      stopTasks = withTasks;
      return opened.close();
    },
  };
}

/** Waits for the end of a start; closes what was opened when it fails or is given up. */
async function startedOr(opened: Opened, started: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  try {
    await (signal ? abortable(started, signal) : started);
  } catch (thrown) {
    await opened.closeAfter(thrown);
  }
}

function workerControl(desk: WorkerDesk, key?: RequestKey): WorkerControl {
  const keyed = key === undefined ? {} : { key };
  return {
    keyed: (request) => workerControl(desk, request),
    submit: (event) => desk.call({ kind: 'submit', event, ...keyed }),
    stop: async (id) => {
      await desk.call({ kind: 'stop', id, ...keyed });
    },
    tasks: () => [...desk.book.entries.values()].map(({ order, report }) => ({ order, report })),
    stats: () => desk.sample(),
  };
}

/** Settles when an actor is where it should be. @param failed a reason why it will not be, to reject with */
export function reaches<Snapshot>(
  actor: {
    subscribe(observer: { next(snapshot: Snapshot): void; error(error: unknown): void; complete(): void }): { unsubscribe(): void };
    getSnapshot(): Snapshot;
  },
  there: (snapshot: Snapshot) => boolean,
  failed: (snapshot: Snapshot) => string | null = () => null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (snapshot: Snapshot): boolean => {
      const reason = failed(snapshot);
      if (reason !== null) reject(problem('failed', reason));
      else if (there(snapshot)) resolve();
      else return false;
      return true;
    };
    const subscription = actor.subscribe({
      next: (snapshot) => {
        if (look(snapshot)) subscription.unsubscribe();
      },
      error: (thrown) => reject(asCubeError(thrown)),
      complete: () => {
        if (!look(actor.getSnapshot())) reject(problem('failed', 'it ended'));
      },
    });
  });
}
