/** A Control in memory: jobs run as soon as they are submitted, nothing is scheduled, and a test can break or hold what it likes. */
import { problem } from '../../src/core/errors.ts';
import type { SetKind } from '../../src/core/files.ts';
import type { ClusterEvent } from '../../src/core/events.ts';
import type { JobPlan } from '../../src/core/job-plan.ts';
import type {
  Control,
  EventFilter,
  ExplainView,
  LabelChange,
  LogLine,
  LogRequest,
  NodeStatus,
  RequestKey,
  SubmitRequest,
} from '../../src/ports/control.ts';
import { FakeJobs } from './fake-jobs.ts';
import { fakeNode } from './fake-node.ts';
import { fakeMoves, fakePlan } from './fake-plan.ts';
import { FakeFiles } from './fake-files.ts';
import { fakeRelease, fakeVolumes } from './fake-volumes.ts';

export { fakeNode } from './fake-node.ts';

/** The manager of the API's tests. */
export class FakeControl extends FakeJobs implements Control {
  nodesKept: NodeStatus[] = [fakeNode()];
  readonly eventsKept: ClusterEvent[] = [];
  /** Output by slot; following waits for more until the signal fires. */
  readonly output = new Map<string, LogLine[]>();
  isReady = true;
  /** Streams that were opened and have not ended. */
  streamsOpen = 0;
  readonly lastEventFilters: EventFilter[] = [];
  readonly lastLogRequests: LogRequest[] = [];
  #wakes = new Set<() => void>();

  /** Adds an event, and wakes who follows. */
  emit(changes: Partial<ClusterEvent> = {}): ClusterEvent {
    const seq = (this.eventsKept.at(-1)?.seq ?? 0) + 1;
    const event: ClusterEvent = {
      seq,
      at: 1_000 * seq,
      epoch: '1.1',
      machine: 'task',
      id: `task-${seq}`,
      from: 'pending',
      to: 'scheduled',
      event: 'order.place',
      cause: 'placed',
      ...changes,
    };
    this.eventsKept.push(event);
    this.wake();
    return event;
  }

  /** Lets followers look again. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** A test that runs commands has its own. */
  exec: Control['exec'] = () => {
    throw problem('not-running', 'the fake runs no commands');
  };

  /** The keys under which something was asked. */
  readonly keys: RequestKey[] = [];

  keyed(request: RequestKey): Control {
    this.keys.push(request);
    return this;
  }

  ready(): boolean {
    return this.isReady;
  }

  async plan(request: SubmitRequest): Promise<JobPlan> {
    await this.enter(`plan ${request.spec.name}`);
    return fakePlan(request, this.jobs.get(request.spec.name));
  }

  async nodes(): Promise<readonly NodeStatus[]> {
    await this.enter();
    return this.nodesKept;
  }

  async explain(ref: string): Promise<ExplainView> {
    await this.enter();
    const nodes = [
      { node: 'bar', feasible: true, score: 1.5, terms: { cpu: 1, memory: 0.5 } },
      { node: 'foo', feasible: false, filter: 'cpu' as const, detail: 'asks 2, 1 left' },
    ];
    return { task: this.find(ref).at(-1)!, picked: 'bar', nodes, reasons: [{ filter: 'cpu', nodes: 1, detail: 'too little' }] };
  }
  readonly removeNode = async (ref: string) => this.#node(ref, {}, await this.enter(`removeNode ${ref}`));
  readonly setEligible = async (ref: string, eligible: boolean) =>
    this.#node(ref, { eligible }, await this.enter(`setEligible ${ref} ${eligible}`));
  readonly setLabels = async (ref: string, { set, remove }: LabelChange) =>
    this.#node(ref, { labels: { ...set } }, await this.enter(`setLabels ${ref} ${JSON.stringify(set)} ${remove.join()}`));

  #node(ref: string, changes: Partial<NodeStatus>, _entered: void): NodeStatus {
    const node = this.nodesKept.find(({ id, name }) => id === ref || name === ref);
    if (node === undefined) throw problem('not-found', `there is no node "${ref}"`);
    return { ...node, ...changes };
  }

  readonly volumes = async () => fakeVolumes(await this.enter());
  readonly releaseVolume = async (slot: string) => fakeRelease(await this.enter(`releaseVolume ${slot}`), slot);
  readonly filesKept = new FakeFiles();
  readonly files = async (kind: SetKind) => this.filesKept.all(await this.enter(), kind);
  readonly setFile = async (kind: SetKind, name: string, content: Uint8Array) =>
    this.filesKept.set(await this.enter(`setFile ${kind} ${name} ${content.byteLength}`), kind, name, content);
  readonly removeFile = async (kind: SetKind, name: string) =>
    this.filesKept.remove(await this.enter(`removeFile ${kind} ${name}`), kind, name);
  readonly rebalance = async (movesMax?: number) => fakeMoves(await this.enter(), movesMax);

  events(filter: EventFilter): AsyncIterable<ClusterEvent> {
    this.lastEventFilters.push(filter);
    const { afterSeq = 0, sinceMs = 0, job, node, task } = filter;
    const isWanted = (event: ClusterEvent) =>
      event.seq > afterSeq &&
      event.at >= sinceMs &&
      (job === undefined || event.job === job) &&
      (node === undefined || event.node === node) &&
      (task === undefined || event.id === task);
    return this.#stream(() => this.eventsKept, isWanted, filter);
  }

  logs(ref: string, request: LogRequest): AsyncIterable<LogLine> {
    this.lastLogRequests.push(request);
    const slots = this.jobs.has(ref) ? this.tasksKept.filter((task) => task.job === ref) : this.find(ref);
    const lines = () => slots.flatMap((task) => this.output.get(task.slot) ?? []);
    return this.#stream(lines, () => true, request);
  }

  /** A backup is these bytes. */
  backupKept: readonly string[] = ['one ', 'two'];

  async *backup(version: string): AsyncGenerator<Uint8Array> {
    this.asked.push(`backup ${version}`);
    for (const text of this.backupKept) {
      if (this.failure) throw this.failure;
      yield Buffer.from(text);
    }
  }

  async *#stream<T>(
    all: () => readonly T[],
    isWanted: (one: T) => boolean,
    how: { follow: boolean; signal: AbortSignal },
  ): AsyncGenerator<T> {
    this.streamsOpen++;
    try {
      for (let at = 0; !how.signal.aborted;) {
        if (this.failure) throw this.failure;
        const list = all();
        if (at < list.length) {
          const one = list[at++]!;
          if (isWanted(one)) yield one;
        } else if (how.follow) await this.#change(how.signal);
        else return;
      }
    } finally {
      this.streamsOpen--;
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakes.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
