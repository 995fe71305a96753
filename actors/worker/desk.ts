/**
 * The worker's desk: everything it works with once it has recovered. The machine (machines/worker.ts) says when; here is what is
 * done. Nothing here decides about tasks: orders come from the manager, verdicts on exits from the task actors.
 */
import type { WorkerEvent } from '../../machines/worker.ts';
import { asCubeError, problem } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { NodeFacts } from '../../src/core/node.ts';
import { createStreamServer, type StreamServer } from '../../src/core/stream-server.ts';
import { finalStates, type Order, type TaskReport } from '../../src/core/task.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { KeptLogs } from '../../src/ports/kept-logs.ts';
import type { HostMeter, HostSample, Runtime } from '../../src/ports/runtime.ts';
import { protocol, type Dialer, type Link, type ManagerFrame, type WorkerCall, type WorkerFrame } from '../../src/ports/transport.ts';
import type { WorkerBook } from './book.ts';
import { Calls } from './calls.ts';
import { allEnded, liveIds, stopMsMax, within } from './drain.ts';
import { holdingsOf } from './holds.ts';
import { Host } from './host.ts';
import { takeOrders } from './orders.ts';
import { Reporter } from './reporter.ts';
import { streamOf } from './streams.ts';
import { Upkeep } from './upkeep.ts';

/** What a worker works with. */
export interface WorkerDeps {
  readonly ambient: Ambient;
  readonly limits: Limits;
  readonly book: WorkerBook;
  readonly runtime: Runtime;
  readonly meter: HostMeter;
  readonly keptLogs: KeptLogs;
  readonly dialer: Dialer;
  readonly connections: Map<string, Link>;
  /** What this host says of itself; asked anew when the worker recovers. */
  readonly facts: (nodeId: string) => Promise<NodeFacts>;
  /** Hears each time that a manager does not take this worker, and why; its link says it to people. */
  readonly onRefused?: (reason: string) => void;
}

/** One worker, over all its links. */
export class WorkerDesk {
  readonly deps: WorkerDeps;
  readonly upkeep: Upkeep;
  readonly #self: { send(event: WorkerEvent): void };
  readonly #reporter: Reporter;
  readonly #host: Host;
  /** Tasks whose ends are on their way to the disk. */
  readonly #untold = new Set<string>();
  /** What this host says of itself, once it has recovered. */
  facts: NodeFacts | undefined;
  #link: string | undefined;
  #streams: StreamServer | undefined;
  #inOrder: Promise<void> = Promise.resolve();
  #startsOver = false;
  readonly #calls = new Calls();

  constructor(deps: WorkerDeps, self: { send(event: WorkerEvent): void }) {
    this.deps = deps;
    this.#self = self;
    this.upkeep = new Upkeep(deps, (what) => this.call(what));
    this.#host = new Host(deps);
    this.#reporter = new Reporter(deps.ambient.clock, deps.limits, (reports) => this.#send({ type: 'reports', reports }));
  }

  get book(): WorkerBook {
    return this.deps.book;
  }

  /** Looks at what runs, and takes the tasks of the book up again. May be called again after it failed. */
  async recover(): Promise<void> {
    const { facts, book } = this.deps;
    this.facts = await facts(book.identity.nodeId);
    await this.upkeep.begin();
    for (const id of liveIds(book)) this.begin(id);
    // Whether the manager heard of these ends is not known any more.
    for (const { report } of book.entries.values()) if (report && finalStates.has(report.state)) this.report(report);
    void this.#host.measure();
  }

  /** What a task was last ordered. */
  orderOf(taskId: string): Order | undefined {
    return this.book.entries.get(taskId)?.order;
  }

  /** Starts to supervise a task of the book. */
  begin(id: string): void {
    const entry = this.book.entries.get(id)!;
    this.tell({
      type: 'task.ordered',
      order: entry.order,
      ...(entry.observed ? { observed: entry.observed } : {}),
      ...(entry.report ? { lastState: entry.report.state } : {}),
    });
  }

  tell(event: WorkerEvent): void {
    this.#self.send(event);
  }

  /** Reports what a task is at, but for an end that is not on disk yet. */
  report(report: TaskReport): void {
    if (!this.#untold.has(report.id)) this.#reporter.add(report);
  }

  /** Writes down what a task told, and reports it. */
  noteTask(event: Extract<WorkerEvent, { type: 'task.told' }>): void {
    const report = this.book.note(event.id, event.state, event.health, event.observed);
    if (!finalStates.has(event.state)) {
      if (report) this.report(report);
      return;
    }
    this.tell({ type: 'task.dismissed', id: event.id });
    this.upkeep.files.release(event.id);
    if (report) void this.#tellEnd(report);
  }

  /** An end is on disk before it is told: a worker that forgot it would begin again what the manager takes for over. */
  async #tellEnd(report: TaskReport): Promise<void> {
    this.#untold.add(report.id);
    await this.book.written();
    this.#untold.delete(report.id);
    this.report(report);
    this.#trim();
  }

  noteProgress(event: Extract<WorkerEvent, { type: 'task.progressed' }>): void {
    const report = this.book.noteProgress(event.id, event.observed);
    if (report) this.report(report);
  }

  /** Drops ended tasks, and their containers. */
  forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.#reporter.drop(id);
      this.upkeep.forget(id);
    }
    this.book.forget(ids);
  }

  async #heard(acks: readonly { readonly id: string; readonly sequence: number }[]): Promise<void> {
    this.#reporter.acknowledge(acks);
    this.#trim();
  }

  /**
   * Keeps the newest ended tasks only; the oldest go first, in the order in which they were taken. An end that the manager has not
   * acknowledged stays, whatever their number: it would order the task anew.
   */
  #trim(): void {
    const ended = [...this.book.entries].filter(([, { report }]) => report !== null && finalStates.has(report.state));
    const surplus = ended.slice(0, Math.max(0, ended.length - this.deps.limits.workerFinalTasksMax));
    const ids = surplus.map(([id]) => id).filter((id) => !this.#reporter.isOpen(id) && !this.#untold.has(id));
    if (ids.length > 0) this.forget(ids);
  }

  /** The first frame on every link. */
  greeting(): WorkerFrame {
    const { identity, seen, entries } = this.book;
    const reports = [...entries.values()].flatMap(({ report }) => (report && !this.#untold.has(report.id) ? [report] : []));
    return {
      type: 'greet',
      protocolMin: protocol.min,
      protocolMax: protocol.max,
      clusterId: identity.clusterId,
      facts: this.facts!,
      epoch: seen.epoch,
      revision: seen.revision,
      reports,
      holds: holdingsOf(this.book),
      ...this.#host.engine.said,
      ...this.upkeep.strangers(),
    };
  }

  beat(): WorkerFrame {
    return { type: 'beat', ...this.#host.engine.said, usage: this.#host.usage, ...this.#host.tasks.tell() };
  }

  /** Whether a link is open. */
  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  /** A link is open: reports flow to it, and streams are served on it. */
  connect(linkId: string): void {
    if (this.#link !== undefined) this.disconnect();
    this.#link = linkId;
    this.#host.tasks.retell();
    this.#streams = createStreamServer({
      send: (frame) => this.#send(frame),
      limits: this.deps.limits,
      onLateError: (thrown) => this.deps.ambient.log.warn(`a stream ended badly: ${asCubeError(thrown).message}`),
    });
    this.#reporter.connect();
  }

  disconnect(): void {
    this.#reporter.disconnect();
    this.upkeep.cutOff();
    this.#streams?.closeAll();
    this.#streams = undefined;
    this.#link = undefined;
    this.#calls.cutOff();
  }

  /** Takes a frame of the manager. Orders and acknowledgements go one after the other, since the first of an epoch waits for the disk. */
  obey(linkId: string, frame: ManagerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.upkeep.welcome(frame.protocol);
        this.#queue(() => this.book.pin(frame.clusterId));
        break;
      case 'refused':
        this.deps.onRefused?.(frame.message);
        break;
      case 'assignments':
      case 'delta':
        this.#queue(() =>
          takeOrders(this, this.book, frame, (answer) => this.#send(answer, linkId)).catch((thrown) => this.#startOver(linkId, thrown)),
        );
        break;
      case 'acks':
        // Behind the orders that came before: those may still name what has ended, and must find it.
        this.#queue(() => this.#heard(frame.acks));
        break;
      case 'answer':
        this.#calls.answer(frame);
        break;
      case 'open':
        this.#streams?.serve(frame.stream, streamOf({ ...this.deps, past: this.upkeep.retiring }, frame.what));
        break;
      case 'data':
      case 'grant':
      case 'end':
        this.#streams?.handle(frame);
        break;
      default:
        break;
    }
  }

  /** Asks the manager something. @throws CubeError of the manager, or `cut-off` */
  call(what: WorkerCall): Promise<unknown> {
    if (this.#link === undefined) return Promise.reject(problem('cut-off', 'the manager is out of reach'));
    return this.#calls.make(what, (frame) => this.#send(frame));
  }

  /** The host as it was last measured, now if it never was. */
  sample(): Promise<HostSample> {
    return this.#host.sample();
  }

  /** Says goodbye, stops the tasks if told to, and waits until all is reported. */
  async drain(stopTasks: boolean): Promise<void> {
    const { clock } = this.deps.ambient;
    const { nodeAwayMs, shutdownMs, drainPollMs } = this.deps.limits;
    this.#host.end();
    this.upkeep.end();
    this.#streams?.endAll(problem('cut-off', 'the node stops'));
    const live = liveIds(this.book);
    const stopMs = stopTasks ? stopMsMax(this.book, live) : 0;
    // The time away begins when the tasks have stopped: until then this node is still at work.
    this.#send({ type: 'bye', backMs: nodeAwayMs + stopMs });
    if (stopTasks) for (const id of live) this.tell({ type: 'task.stopOrdered', id });
    const givenUp = new AbortController();
    const ended = this.#inOrder.then(() => (stopTasks ? allEnded(this.book, clock, drainPollMs, givenUp.signal) : undefined));
    await within(
      ended.then(() => this.book.written()).then(() => this.#reporter.settled()),
      shutdownMs + stopMs,
      clock,
    ).finally(() => givenUp.abort());
  }

  #queue(work: () => Promise<void>): void {
    this.#inOrder = this.#inOrder.then(work).catch((thrown: unknown) => {
      this.deps.ambient.log.error(`an order could not be taken: ${asCubeError(thrown).message}`);
    });
  }

  /** Orders that could not be taken: the manager takes them for delivered, so it is greeted anew, after a pause. */
  #startOver(linkId: string, thrown: unknown): void {
    const { ambient, limits, connections } = this.deps;
    const link = connections.get(linkId);
    if (!this.#startsOver) {
      this.#startsOver = true;
      ambient.clock.setTimeout(() => {
        this.#startsOver = false;
        link?.close('its orders could not be written down');
      }, limits.ordersRetryMs);
    }
    throw thrown;
  }

  #send(frame: WorkerFrame, linkId = this.#link): void {
    if (linkId !== undefined) this.deps.connections.get(linkId)?.send(frame);
  }
}
