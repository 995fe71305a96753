/** The jobs of a FakeControl: they run as soon as they are submitted, and a test can break or hold what it likes. */
import { problem, type CubeError } from '../../src/core/errors.ts';
import { slotName } from '../../src/core/ids.ts';
import type { JobOrigin, JobRecord, JobSpec } from '../../src/core/job.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';
import type { DispatchRequest, JobView, StatusView, SubmitAnswer, SubmitRequest, VersionView } from '../../src/ports/control.ts';
import { fakeJob, fakeTask } from './fake-records.ts';
import { FakeVersions, runOf, scaled } from './fake-versions.ts';

/** What of the manager is about jobs and their tasks. */
export class FakeJobs {
  readonly jobs = new Map<string, JobRecord>();
  tasksKept: TaskRecord[] = [];
  /** Told with every submit. */
  warnings: readonly string[] = [];
  /** Thrown by every method while it is set. */
  failure: CubeError | Error | undefined;
  /** Waited for by whatever changes something. */
  held: Promise<void> = Promise.resolve();
  /** What was asked for: `submit shop`, `stopJob shop purge`. */
  readonly asked: string[] = [];
  #index = 0;
  #ids = 0;
  #runs = 0;
  readonly #versions = new FakeVersions();

  /** Changes a task's record. */
  change(slot: string, changes: Partial<TaskRecord>): void {
    this.tasksKept = this.tasksKept.map((task) => (task.slot === slot ? { ...task, ...changes } : task));
  }

  async submit({ spec, origin, checkIndex, mustBeNew, strict }: SubmitRequest): Promise<SubmitAnswer> {
    await this.enter(`submit ${spec.name}`);
    const known = this.jobs.get(spec.name);
    const clientIds = [...this.jobs.values()].map((job) => job.origin.clientTaskId);
    if (mustBeNew && (known || (origin.clientTaskId !== undefined && clientIds.includes(origin.clientTaskId)))) {
      throw problem('conflict', `there is a job "${spec.name}" already`);
    }
    if (checkIndex !== undefined && checkIndex !== (known?.index ?? 0)) throw problem('conflict', `the job stands at ${known?.index ?? 0}`);
    if (strict && this.warnings.length > 0) throw problem('invalid-file', this.warnings.join('\n'));
    return this.#make(spec, origin, 'submitted');
  }

  async scale(
    name: string,
    counts: Readonly<Record<string, number>>,
    { checkIndex }: { readonly checkIndex?: number },
  ): Promise<SubmitAnswer> {
    await this.enter(`scale ${name} ${JSON.stringify(counts)}`);
    const { spec, origin, index } = this.#job(name);
    if (checkIndex !== undefined && checkIndex !== index) throw problem('conflict', `the job stands at ${index}`);
    return this.#make(scaled(spec, counts), origin, 'scaled');
  }

  async rollback(name: string, version?: number): Promise<SubmitAnswer> {
    await this.enter(`rollback ${name}${version === undefined ? '' : ` ${version}`}`);
    const { origin } = this.#job(name);
    const to = this.#versions.find(name, version);
    return this.#make(to.spec, origin, `rolled back to version ${to.version}`);
  }

  async restartJob(name: string): Promise<JobView> {
    await this.enter(`restartJob ${name}`);
    return this.#changeJob(name, {});
  }

  async promote(name: string): Promise<JobView> {
    await this.enter(`promote ${name}`);
    const { deployment } = this.#job(name);
    if (deployment?.state !== 'awaitingPromotion') throw problem('conflict', `job ${name} has no deployment that waits`);
    return this.#changeJob(name, { deployment: { ...deployment, state: 'rolling', promoted: true } });
  }

  async history(name: string): Promise<readonly VersionView[]> {
    await this.enter();
    return this.#versions.of(this.#job(name).name);
  }

  async dispatch(name: string, request: DispatchRequest): Promise<JobView> {
    await this.enter(`dispatch ${name}`);
    const { spec, origin } = runOf(this.#job(name).spec, request, ++this.#runs);
    return this.#view(this.#make(spec, origin, 'dispatched').job);
  }

  async startJob(name: string): Promise<JobView> {
    await this.enter(`startJob ${name}`);
    return this.#setStopped(name, false);
  }

  async stopJob(name: string, { purge }: { readonly purge: boolean }): Promise<JobView> {
    await this.enter(`stopJob ${name}${purge ? ' purge' : ''}`);
    const view = this.#setStopped(name, true);
    if (purge) this.jobs.delete(name);
    return view;
  }

  async stopTask(ref: string): Promise<TaskRecord> {
    await this.enter(`stopTask ${ref}`);
    const task = this.find(ref).at(-1)!;
    this.change(task.slot, { desired: 'stopped', state: 'stopping' });
    return this.find(ref).at(-1)!;
  }

  async status(filter: { readonly job?: string; readonly task?: string } = {}): Promise<StatusView> {
    await this.enter();
    const { job, task } = filter;
    if (job !== undefined && !this.jobs.has(job)) throw problem('not-found', `there is no job "${job}"`);
    const tasks = task === undefined ? this.tasksKept.filter((one) => job === undefined || one.job === job) : this.find(task);
    const names = new Set(tasks.map((one) => one.job));
    const jobs = [...this.jobs.values()].filter(
      (one) => (job === undefined && task === undefined) || one.name === job || names.has(one.name),
    );
    return { index: this.#index, jobs: jobs.map((one) => this.#view(one)), tasks };
  }

  protected async enter(what?: string): Promise<void> {
    if (this.failure) throw this.failure;
    if (what === undefined) return;
    this.asked.push(what);
    await this.held;
  }

  protected find(ref: string): TaskRecord[] {
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

  #job(name: string): JobRecord {
    const job = this.jobs.get(name);
    if (!job) throw problem('not-found', `there is no job "${name}"`);
    return job;
  }

  #changeJob(name: string, changes: Partial<JobRecord>): JobView {
    const changed: JobRecord = { ...this.#job(name), ...changes, index: ++this.#index };
    this.jobs.set(name, changed);
    return this.#view(changed);
  }

  #setStopped(name: string, stopWanted: boolean): JobView {
    return this.#changeJob(name, { stopWanted, status: stopWanted ? 'stopped' : 'running' });
  }

  /** Makes a version of a job, and has it run. */
  #make(spec: JobSpec, origin: JobOrigin, cause: string): SubmitAnswer {
    const known = this.jobs.get(spec.name);
    const isSame = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
    const { warnings } = this;
    if (isSame && !known.stopWanted) return { job: known, change: 'unchanged', warnings };
    const job = fakeJob(spec, origin, known, ++this.#index);
    this.jobs.set(spec.name, job);
    this.#versions.note(job, cause);
    this.#place(spec);
    return { job, change: isSame ? 'started' : known ? 'updated' : 'created', warnings };
  }

  /** Gives each slot that has no live task a running one. */
  #place(spec: JobSpec): void {
    for (const [name, task] of Object.entries(spec.tasks)) {
      for (let index = 1; index <= task.count; index++) {
        const slot = slotName(spec.name, name, index);
        if (this.tasksKept.some((one) => one.slot === slot && !isFinal(one))) continue;
        this.tasksKept.push(fakeTask(spec, name, index, ++this.#ids));
      }
    }
  }
}
