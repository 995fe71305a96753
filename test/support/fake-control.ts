/** A Control in memory: jobs run as soon as they are submitted, nothing is scheduled, and a test can break or hold what it likes. */
import { problem, type CubeError } from '../../src/core/errors.ts';
import type { ClusterEvent } from '../../src/core/events.ts';
import { slotName } from '../../src/core/ids.ts';
import type { JobPlan } from '../../src/core/job-plan.ts';
import type { JobRecord, JobSpec } from '../../src/core/job.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';
import type {
  Control,
  EventFilter,
  ExplainView,
  JobView,
  LogLine,
  LogRequest,
  NodeStatus,
  StatusView,
  SubmitAnswer,
  SubmitRequest,
} from '../../src/ports/control.ts';
import { fakeNode } from './fake-node.ts';
import { fakeMoves, fakePlan } from './fake-plan.ts';

export { fakeNode } from './fake-node.ts';

/** The manager of the API's tests. */
export class FakeControl implements Control {
  readonly jobs = new Map<string, JobRecord>();
  tasksKept: TaskRecord[] = [];
  nodesKept: NodeStatus[] = [fakeNode()];
  readonly eventsKept: ClusterEvent[] = [];
  /** Output by slot; following waits for more until the signal fires. */
  readonly output = new Map<string, LogLine[]>();
  isReady = true;
  /** Told with every submit. */
  warnings: readonly string[] = [];
  /** Thrown by every method while it is set. */
  failure: CubeError | Error | undefined;
  /** Waited for by `submit`, `stopJob` and `startJob`. */
  held: Promise<void> = Promise.resolve();
  /** What was asked for: `submit shop`, `stopJob shop purge`. */
  readonly asked: string[] = [];
  /** Streams that were opened and have not ended. */
  streamsOpen = 0;
  readonly lastEventFilters: EventFilter[] = [];
  readonly lastLogRequests: LogRequest[] = [];
  #index = 0;
  #ids = 0;
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

  /** Changes a task's record. */
  change(slot: string, changes: Partial<TaskRecord>): void {
    this.tasksKept = this.tasksKept.map((task) => (task.slot === slot ? { ...task, ...changes } : task));
  }

  /** A test that runs commands has its own. */
  exec: Control['exec'] = () => {
    throw problem('not-running', 'the fake runs no commands');
  };

  ready(): boolean {
    return this.isReady;
  }

  async submit({ spec, origin, checkIndex, mustBeNew, strict }: SubmitRequest): Promise<SubmitAnswer> {
    await this.#enter(`submit ${spec.name}`);
    const known = this.jobs.get(spec.name);
    const clientIds = [...this.jobs.values()].map((job) => job.origin.clientTaskId);
    if (mustBeNew && (known || (origin.clientTaskId !== undefined && clientIds.includes(origin.clientTaskId)))) {
      throw problem('conflict', `there is a job "${spec.name}" already`);
    }
    if (checkIndex !== undefined && checkIndex !== (known?.index ?? 0)) throw problem('conflict', `the job stands at ${known?.index ?? 0}`);
    if (strict && this.warnings.length > 0) throw problem('invalid-file', this.warnings.join('\n'));
    const isSame = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
    if (isSame && !known.stopWanted) return { job: known, change: 'unchanged', warnings: this.warnings };
    const job: JobRecord = {
      name: spec.name,
      spec,
      origin,
      version: isSame ? known.version : (known?.version ?? 0) + 1,
      index: ++this.#index,
      stopWanted: false,
      status: 'running',
      createdAt: known?.createdAt ?? 1_000,
      updatedAt: 2_000,
      hashes: {},
      run: 1,
      completedFrom: 0,
      purgeWanted: false,
    };
    this.jobs.set(spec.name, job);
    this.#place(spec);
    return { job, change: isSame ? 'started' : known ? 'updated' : 'created', warnings: this.warnings };
  }

  async plan(request: SubmitRequest): Promise<JobPlan> {
    await this.#enter(`plan ${request.spec.name}`);
    return fakePlan(request, this.jobs.get(request.spec.name));
  }

  async startJob(name: string): Promise<JobView> {
    await this.#enter(`startJob ${name}`);
    return this.#setStopped(name, false);
  }

  async stopJob(name: string, { purge }: { readonly purge: boolean }): Promise<JobView> {
    await this.#enter(`stopJob ${name}${purge ? ' purge' : ''}`);
    const view = this.#setStopped(name, true);
    if (purge) this.jobs.delete(name);
    return view;
  }

  async stopTask(ref: string): Promise<TaskRecord> {
    await this.#enter(`stopTask ${ref}`);
    const task = this.#find(ref).at(-1)!;
    this.change(task.slot, { desired: 'stopped', state: 'stopping' });
    return this.#find(ref).at(-1)!;
  }

  async status(filter: { readonly job?: string; readonly task?: string } = {}): Promise<StatusView> {
    await this.#enter();
    const { job, task } = filter;
    if (job !== undefined && !this.jobs.has(job)) throw problem('not-found', `there is no job "${job}"`);
    const tasks = task === undefined ? this.tasksKept.filter((one) => job === undefined || one.job === job) : this.#find(task);
    const names = new Set(tasks.map((one) => one.job));
    const jobs = [...this.jobs.values()].filter(
      (one) => (job === undefined && task === undefined) || one.name === job || names.has(one.name),
    );
    return { index: this.#index, jobs: jobs.map((one) => this.#view(one)), tasks };
  }

  async nodes(): Promise<readonly NodeStatus[]> {
    await this.#enter();
    return this.nodesKept;
  }

  async explain(ref: string): Promise<ExplainView> {
    await this.#enter();
    const nodes = [
      { node: 'bar', feasible: true, score: 1.5, terms: { cpu: 1, memory: 0.5 } },
      { node: 'foo', feasible: false, filter: 'cpu' as const, detail: 'asks 2, 1 left' },
    ];
    return { task: this.#find(ref).at(-1)!, picked: 'bar', nodes, reasons: [{ filter: 'cpu', nodes: 1, detail: 'too little' }] };
  }
  readonly rebalance = async (movesMax?: number) => fakeMoves(await this.#enter(), movesMax);

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
    const slots = this.jobs.has(ref) ? this.tasksKept.filter((task) => task.job === ref) : this.#find(ref);
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

  async #enter(what?: string): Promise<void> {
    if (this.failure) throw this.failure;
    if (what === undefined) return;
    this.asked.push(what);
    await this.held;
  }

  #find(ref: string): TaskRecord[] {
    const clients = new Set([...this.jobs.values()].filter((job) => job.origin.clientTaskId === ref).map((job) => job.name));
    const found = this.tasksKept.filter((task) => task.id.startsWith(ref) || task.slot === ref || clients.has(task.job));
    if (found.length === 0) throw problem('not-found', `there is no task "${ref}"`);
    return found;
  }

  #view(job: JobRecord): JobView {
    const tasks = this.tasksKept.filter((task) => task.job === job.name);
    const count = (state: TaskRecord['state']) => tasks.filter((task) => task.state === state).length;
    const running = count('running');
    return { ...job, counts: { desired: tasks.length, running, healthy: running, failed: count('failed'), completed: count('completed') } };
  }

  #setStopped(name: string, stopWanted: boolean): JobView {
    const job = this.jobs.get(name);
    if (!job) throw problem('not-found', `there is no job "${name}"`);
    const changed: JobRecord = { ...job, stopWanted, status: stopWanted ? 'stopped' : 'running', index: ++this.#index };
    this.jobs.set(name, changed);
    return this.#view(changed);
  }

  /** Gives each slot that has no live task a running one. */
  #place(spec: JobSpec): void {
    for (const [name, task] of Object.entries(spec.tasks)) {
      for (let index = 1; index <= task.count; index++) {
        const slot = slotName(spec.name, name, index);
        if (this.tasksKept.some((one) => one.slot === slot && !isFinal(one))) continue;
        this.tasksKept.push({
          id: `${String(++this.#ids).padStart(8, '0')}-0000-4000-8000-000000000000`,
          job: spec.name,
          task: name,
          index,
          slot,
          version: 1,
          specHash: 'hash',
          run: 1,
          image: task.image,
          state: 'running',
          health: 'healthy',
          desired: 'running',
          node: 'node-1',
          nodeName: spec.onNode ?? 'bar',
          ports: task.ports.map((port) => ({
            ip: '127.0.0.1',
            host: port.host ?? 20_000,
            container: port.container,
            protocol: port.protocol,
          })),
          sequence: 1,
          attempt: 1,
          restarts: 0,
          failures: 0,
          createdAt: 1_000 + this.#ids,
          startedAt: 2_000,
        });
      }
    }
  }
}
