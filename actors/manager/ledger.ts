/**
 * The ledger: every change of the cluster goes through it. A turn (one request, frame or deadline) gathers changes, which are seen
 * in memory at once; `settle` commits them as one batch, and only when that is on disk does anything leave: answers, orders,
 * acknowledgements, events. A commit that fails ends the leadership (DESIGN.md, rule 12).
 */
import type { Release } from '../../src/core/deployment.ts';
import { asCubeError, problem, type CubeError } from '../../src/core/errors.ts';
import { epochText, type ClusterEvent, type Epoch, type MachineName } from '../../src/core/events.ts';
import { fileKey, type SealedFile } from '../../src/core/files.ts';
import type { JobRecord, JobSpec } from '../../src/core/job.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';
import type { Claim } from '../../src/core/volumes.ts';
import type { Clock } from '../../src/ports/ambient.ts';
import type { Put, Removal, Store } from '../../src/ports/store.ts';
import type { KeptAnswer } from './answers.ts';
import { versionKey, type ClusterState } from './state.ts';

/** A transition, before it has its number and time. */
export interface Transition {
  readonly machine: MachineName;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly event: string;
  readonly cause: string;
  readonly node?: string;
  readonly job?: string;
}

/** What a ledger works with. */
export interface LedgerDeps {
  readonly state: ClusterState;
  readonly store: Store;
  readonly clock: Clock;
  readonly epoch: Epoch;
  /** The last commit and event so far. */
  readonly revision: number;
  readonly eventSeq: number;
  /** Events that are on disk, in order. */
  readonly publish: (events: readonly ClusterEvent[]) => void;
  /** The disk said no: the leadership ends. */
  readonly onFailure: (reason: string) => void;
  /** Something that was to be told could not be: a defect, to be logged. */
  readonly onDefect: (error: CubeError) => void;
}

/** An event's key: in order, so that history is a range. */
export function eventKey(seq: number): string {
  return String(seq).padStart(16, '0');
}

/** The changes of one leadership. */
export class Ledger {
  readonly #deps: LedgerDeps;
  /** The last word on each record; a record that was put and then removed is removed. */
  #changes = new Map<string, Put | Removal>();
  #events: ClusterEvent[] = [];
  #after: ((revision: number) => void)[] = [];
  #failed: ((error: Error) => void)[] = [];
  /** Jobs that changed in this turn, or whose tasks did. */
  readonly dirtyJobs = new Set<string>();
  /** Tasks whose orders changed in this turn. */
  readonly ordered = new Set<string>();
  /** Ended tasks that are kept no more. */
  readonly forgotten: Pick<TaskRecord, 'id' | 'node'>[] = [];
  #seq: number;
  #committed: number;
  #inFlight = false;
  /** Why a commit failed; nothing is taken after it. */
  #failure: string | undefined;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
    this.#seq = deps.eventSeq;
    this.#committed = deps.revision;
  }

  /** The last commit that is on disk. */
  get revision(): number {
    return this.#committed;
  }

  /** Number of the newest event, on disk or on its way there. */
  get seq(): number {
    return this.#seq;
  }

  get epoch(): Epoch {
    return this.#deps.epoch;
  }

  putJob(job: JobRecord): void {
    this.#deps.state.putJob(job);
    this.#change({ kind: 'job', key: job.name, value: job });
    this.dirtyJobs.add(job.name);
  }

  /** Notes a job's status: nothing that its tasks would have to follow. */
  putJobStatus(job: JobRecord): void {
    this.#deps.state.putJob(job);
    this.#change({ kind: 'job', key: job.name, value: job });
  }

  removeJob(name: string): void {
    this.#deps.state.removeJob(name);
    this.#change({ kind: 'job', key: name });
  }

  putVersion(job: string, version: number, spec: JobSpec): void {
    const key = versionKey(job, version);
    this.#deps.state.versions.set(key, spec);
    this.#change({ kind: 'version', key, value: spec });
  }

  putRelease(job: string, release: Release): void {
    const key = versionKey(job, release.version);
    this.#deps.state.releases.set(key, release);
    this.#change({ kind: 'release', key, value: release });
  }

  /** Forgets a version, and what became of it. */
  removeVersion(key: string): void {
    this.#deps.state.versions.delete(key);
    this.#deps.state.releases.delete(key);
    this.#change({ kind: 'version', key });
    this.#change({ kind: 'release', key });
  }

  /** Writes a task. @param quiet for progress that is not worth the disk and changes nothing for its job or node */
  putTask(task: TaskRecord, quiet = false): void {
    this.#deps.state.putTask(task);
    if (quiet) return;
    const { detail: _detail, ...kept } = task;
    this.#change({ kind: 'task', key: task.id, value: kept });
    this.dirtyJobs.add(task.job);
  }

  /** The task's worker is to be told what is wanted of it now. */
  orderTask(task: TaskRecord): void {
    if (task.node !== undefined) this.ordered.add(task.id);
  }

  removeTask(task: TaskRecord): void {
    this.#deps.state.removeTask(task.id);
    this.ordered.delete(task.id);
    this.#change({ kind: 'task', key: task.id });
    if (task.node !== undefined && isFinal(task)) this.forgotten.push(task);
  }

  putNode(node: NodeRecord): void {
    this.#deps.state.putNode(node);
    this.#change({ kind: 'node', key: node.id, value: node });
  }

  putClaim(claim: Claim): void {
    this.#deps.state.claims.set(claim.slot, claim);
    this.#change({ kind: 'claim', key: claim.slot, value: claim });
  }

  removeClaim(slot: string): void {
    this.#deps.state.claims.delete(slot);
    this.#change({ kind: 'claim', key: slot });
  }

  putFile(file: SealedFile): void {
    this.#deps.state.putFile(file);
    this.#change({ kind: 'file', key: fileKey(file), value: file });
  }

  removeFile(file: SealedFile): void {
    this.#deps.state.removeFile(file);
    this.#change({ kind: 'file', key: fileKey(file) });
  }

  removeNode(id: string): void {
    this.#deps.state.removeNode(id);
    this.#change({ kind: 'node', key: id });
  }

  putAnswer(key: string, answer: KeptAnswer): void {
    this.#deps.state.answers.delete(key);
    this.#deps.state.answers.set(key, answer);
    this.#change({ kind: 'answer', key, value: answer });
  }

  removeAnswer(key: string): void {
    this.#deps.state.answers.delete(key);
    this.#change({ kind: 'answer', key });
  }

  removeEvents(seqs: readonly number[]): void {
    for (const seq of seqs) this.#change({ kind: 'event', key: eventKey(seq) });
  }

  /** Records a transition. */
  note(transition: Transition): void {
    const { clock, epoch } = this.#deps;
    const event: ClusterEvent = { seq: ++this.#seq, at: clock.now(), epoch: epochText(epoch), ...transition };
    this.#events.push(event);
    this.#change({ kind: 'event', key: eventKey(event.seq), value: event });
  }

  /** What is to happen when this turn is on disk, or when it will not be. */
  then(done: (revision: number) => void, failed: (error: Error) => void = () => undefined): void {
    this.#after.push(done);
    this.#failed.push(failed);
  }

  /**
   * Ends the turn. One batch is on its way to the disk at a time; the turns that end meanwhile travel together in the next.
   * Turns settle in the order in which they ended.
   */
  settle(): void {
    if (!this.#inFlight && this.#failure === undefined) void this.#flush();
    else if (this.#failure !== undefined) this.#refuse(this.#take());
  }

  async #flush(): Promise<void> {
    this.#inFlight = true;
    while (this.#changes.size + this.#after.length > 0) {
      const batch = this.#take();
      try {
        if (batch.puts.length + batch.removals.length > 0) this.#committed = await this.#deps.store.commit(batch);
      } catch (thrown) {
        // Later turns were decided on what is not on disk: they fail as well, and the leadership ends.
        this.#failure = asCubeError(thrown, 'store-failed').message;
        this.#refuse(batch);
        this.#refuse(this.#take());
        this.#deps.onFailure(this.#failure);
        break;
      }
      this.#tell(batch);
    }
    this.#inFlight = false;
  }

  /** Lets out what is on disk by now. One that cannot take it must keep nobody else waiting. */
  #tell({ events, after }: { readonly events: readonly ClusterEvent[]; readonly after: readonly ((revision: number) => void)[] }): void {
    const all = [...after];
    if (events.length > 0) all.unshift(() => this.#deps.publish(events));
    for (const run of all) {
      try {
        run(this.#committed);
      } catch (thrown) {
        this.#deps.onDefect(asCubeError(thrown));
      }
    }
  }

  #change(change: Put | Removal): void {
    this.#changes.set(`${change.kind}/${change.key}`, change);
  }

  #take() {
    const changes = [...this.#changes.values()];
    const puts = changes.filter((change) => 'value' in change);
    const removals = changes.filter((change) => !('value' in change));
    const batch = { puts, removals, events: this.#events, after: this.#after, failed: this.#failed };
    this.#changes = new Map();
    this.#events = [];
    this.#after = [];
    this.#failed = [];
    return batch;
  }

  #refuse(batch: { readonly failed: readonly ((error: Error) => void)[] }): void {
    for (const run of batch.failed) run(problem('store-failed', `it could not be written down: ${this.#failure ?? ''}`));
  }
}
