/**
 * What a leader works with, from recovery until it leaves office. The manager machine says when each part is called; a turn is one
 * call, whose changes are committed together and then told.
 */
import type { Release } from '../../src/core/deployment.ts';
import { Deadlines } from '../../src/core/deadlines.ts';
import { asCubeError, problem } from '../../src/core/errors.ts';
import type { Epoch } from '../../src/core/events.ts';
import type { SealedFile } from '../../src/core/files.ts';
import type { JobRecord, JobSpec } from '../../src/core/job.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { NodeRecord, Usage } from '../../src/core/node.ts';
import type { PolicyName } from '../../src/core/placement.ts';
import type { Resources } from '../../src/core/resources.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { Claim } from '../../src/core/volumes.ts';
import type { Ambient } from '../../src/ports/ambient.ts';
import type { Scorer } from '../../src/ports/scorer.ts';
import type { Sealer } from '../../src/ports/sealing.ts';
import type { Kind, Loaded, Store } from '../../src/ports/store.ts';
import type { Dialer, Link } from '../../src/ports/transport.ts';
import type { KeptAnswer } from './answers.ts';
import type { EventLog } from './event-log.ts';
import { followJob } from './jobs.ts';
import { Ledger } from './ledger.ts';
import { followTicks } from './periodic.ts';
import { Sessions } from './sessions.ts';
import { ClusterState } from './state.ts';
import { TaskUsages } from './task-usages.ts';
import type { Losses } from './losses.ts';
import { Progress } from './progress.ts';
import { Strays } from './stray-list.ts';

/** What a manager works with. */
export interface ManagerDeps {
  readonly ambient: Ambient;
  readonly limits: Limits;
  /** Opens the store anew for each leadership. */
  readonly openStore: () => Store;
  readonly scorer: Scorer;
  readonly policy: PolicyName;
  /** Seals secrets and configs. */
  readonly sealer: Sealer;
  readonly dialer: Dialer;
  readonly connections: Map<string, Link>;
}

/** What the leader asks of the actor it works for. */
export interface Office {
  /** There are tasks to place. */
  readonly wantPlacing: () => void;
  /** The plan is committed. */
  readonly planCommitted: () => void;
  /** The first deadline is due. */
  readonly deadlinePassed: () => void;
  /** The store said no. */
  readonly storeFailed: (reason: string) => void;
  /** A worker has seen a later epoch than this one's: the store has lost leaderships. */
  readonly outrun: (epoch: Epoch) => void;
  /** A link's worker is welcome. */
  readonly greeted: (link: string) => void;
  /** It is not. */
  readonly refused: (link: string, reason: string) => void;
}

/** Who leads what: kept in the store. */
export interface ClusterIdentity {
  readonly clusterId: string;
  readonly epoch: Epoch;
}

/** One leadership. */
export class Leader {
  readonly deps: ManagerDeps;
  readonly office: Office;
  readonly identity: ClusterIdentity;
  readonly store: Store;
  readonly state: ClusterState;
  readonly ledger: Ledger;
  readonly sessions: Sessions;
  readonly events: EventLog;
  readonly deadlines = new Deadlines();
  /** Measured use of nodes, and what was reserved there at that time; never stored. */
  readonly usage = new Map<string, Usage & { readonly reserved: Resources }>();
  /** Measured use of running tasks, by node; never stored. */
  readonly taskUsage = new TaskUsages();
  /** Monotonic time of the last word from a node. */
  readonly heardAt = new Map<string, number>();
  /** Nodes that have seen later writes than the store holds: what is unknown there is kept. */
  readonly keeps = new Set<string>();
  /** Why nodes were refused, as it was said. */
  readonly refused = new Map<string, string>();
  /** Pending tasks for which there was no place; they wait until there may be more room. */
  readonly parked = new Set<string>();
  /** Nodes that may have more room since the last batch was drawn. */
  readonly roomierNodes = new Set<string>();
  /** Counts what may let any task have a place that found none, and how much of it the batch under way knew of when it was drawn. */
  changes = 0;
  changesDrawn = 0;
  /** What the store lost, and live tasks that it does not know because of that. */
  losses: Losses | undefined;
  readonly strays = new Strays();
  /** After a loss nothing is made or placed until the nodes have told what they hold. */
  takesStock = false;
  /** When deployments last got on. */
  readonly progress: Progress;
  /** Where round robin goes on. */
  cursor = -1;
  /** When jobs are looked at again, as it was asked for. */
  readonly #looksAt = new Map<string, number>();
  /** When large jobs were followed last, monotonic. */
  readonly #followedAt = new Map<string, number>();
  #index: number;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;
  #placingWanted = false;
  #gone = false;

  constructor(deps: ManagerDeps, office: Office, store: Store, identity: ClusterIdentity, loaded: Loaded, events: EventLog) {
    this.deps = deps;
    this.office = office;
    this.identity = identity;
    this.store = store;
    this.state = stateFrom(loaded);
    this.events = events;
    this.sessions = new Sessions(this);
    this.progress = new Progress(deps.ambient.clock);
    this.#index = [...this.state.jobs.values()].reduce((most, job) => Math.max(most, job.index), loaded.revision);
    this.ledger = new Ledger({
      state: this.state,
      store,
      clock: deps.ambient.clock,
      epoch: identity.epoch,
      revision: loaded.revision,
      eventSeq: events.last,
      publish: (fresh) => this.events.publish(fresh),
      onFailure: (reason) => office.storeFailed(reason),
      onDefect: ({ message, cause }) =>
        deps.ambient.log.error(`a change is on disk, but could not be told: ${message}`, {
          stack: cause instanceof Error ? cause.stack : undefined,
        }),
    });
  }

  /** The index of the newest change that a user asked for, or the newest commit. */
  get index(): number {
    return Math.max(this.#index, this.ledger.revision);
  }

  /** An index for a change: higher than all before. */
  nextIndex(): number {
    this.#index = this.index + 1;
    return this.#index;
  }

  /** One turn: runs, follows up on what it touched, and settles. What it throws is thrown before anything was written. */
  turn<T>(run: () => T): T {
    if (this.#gone) throw problem('not-leading', 'this manager does not lead any more');
    try {
      return run();
    } finally {
      this.#followUp();
      this.ledger.settle();
      this.#arm();
    }
  }

  /** Looks at a job again at a time, ms since the epoch, whatever happens before; undefined: only when something happens. */
  lookAtJob(name: string, at: number | undefined): void {
    const { clock } = this.deps.ambient;
    // Asked for at every change of the job, and mostly for the same time.
    if (this.#looksAt.get(name) === at) return;
    if (at === undefined) {
      this.#looksAt.delete(name);
      this.deadlines.clear(`job:${name}`);
      return;
    }
    this.#looksAt.set(name, at);
    this.deadlines.set(`job:${name}`, clock.monotonic() + Math.max(0, at - clock.now()));
  }

  /** It is time to look at a job. */
  lookNow(name: string): void {
    this.#looksAt.delete(name);
    this.ledger.dirtyJobs.add(name);
  }

  /** A task waits for a place, now or after its delay. */
  awaitPlace(task: TaskRecord): void {
    const { clock } = this.deps.ambient;
    const waitMs = (task.placeAfter ?? 0) - clock.now();
    if (waitMs > 0) this.deadlines.set(`place:${task.id}`, clock.monotonic() + waitMs);
    else this.#placingWanted = true;
  }

  /** What a task asks for that waits is not what it was, also where a batch that knows only that is under way. */
  askAnew(task: TaskRecord): void {
    this.changes++;
    this.parked.delete(task.id);
    this.awaitPlace(task);
  }

  /** There may be room where there was none: on one node, at which the next batch looks for those that wait, or anywhere. */
  roomChanged(node?: string): void {
    if (node === undefined) this.changes++;
    if (this.state.pending.size === 0) return;
    if (node === undefined) this.parked.clear();
    else this.roomierNodes.add(node);
    this.#placingWanted = true;
  }

  /** Leaves office: nothing more is done, and who waits is told. */
  leave(): void {
    this.#gone = true;
    this.deps.ambient.clock.clearTimeout(this.#timer);
    this.sessions.closeAll('the manager does not lead any more');
    this.events.closeAll();
  }

  #followUp(): void {
    const { ledger } = this;
    while (ledger.dirtyJobs.size > 0) {
      const jobs = [...ledger.dirtyJobs];
      ledger.dirtyJobs.clear();
      for (const job of jobs) {
        if (this.#isFollowedLater(job)) continue;
        this.#follow(job);
      }
    }
    this.sessions.sendChanges();
    this.events.trim(ledger);
    if (this.#placingWanted) {
      this.#placingWanted = false;
      ledger.then(() => this.office.wantPlacing());
    }
  }

  /** What is wrong with one job must not keep the others from being followed, and what was asked for from being answered. */
  #follow(name: string): void {
    try {
      followJob(this, name);
      followTicks(this, name);
    } catch (thrown) {
      const { message, cause } = asCubeError(thrown);
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      this.deps.ambient.log.error(`job ${name} could not be followed: ${message}`, { stack, cause: String(cause) });
    }
  }

  /** A large job is not followed at each report: a little later, with all that comes until then. */
  #isFollowedLater(name: string): boolean {
    const job = this.state.jobs.get(name);
    const { largeJobInstances, largeJobFollowMs } = this.deps.limits;
    const instances = Object.values(job?.spec.tasks ?? {}).reduce((sum, { count }) => sum + count, 0);
    if (instances < largeJobInstances) return false;
    const now = this.deps.ambient.clock.monotonic();
    const again = (this.#followedAt.get(name) ?? Number.NEGATIVE_INFINITY) + largeJobFollowMs;
    if (now < again) {
      this.#looksAt.delete(name);
      this.deadlines.set(`job:${name}`, again);
      return true;
    }
    this.#followedAt.set(name, now);
    return false;
  }

  /** Keeps one timer, for the first deadline. */
  #arm(): void {
    const { clock } = this.deps.ambient;
    const at = this.deadlines.next ?? Number.POSITIVE_INFINITY;
    if (at === this.#timerAt || this.#gone) return;
    clock.clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = clock.setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.office.deadlinePassed();
      },
      Math.max(0, at - clock.monotonic()),
    );
  }
}

/** Memory from disk: jobs and specs first, since a task's load is counted by its spec. */
function stateFrom({ records }: Loaded): ClusterState {
  const state = new ClusterState();
  const all = <T>(kind: Kind): Iterable<[string, T]> => (records.get(kind) ?? new Map()) as ReadonlyMap<string, T>;
  for (const [key, spec] of all<JobSpec>('version')) state.versions.set(key, spec);
  for (const [key, release] of all<Release>('release')) state.releases.set(key, release);
  for (const [, job] of all<JobRecord>('job')) state.putJob(job);
  for (const [, node] of all<NodeRecord>('node')) state.putNode(node);
  for (const [slot, claim] of all<Claim>('claim')) state.claims.set(slot, claim);
  for (const [, file] of all<SealedFile>('file')) state.putFile(file);
  for (const [, task] of all<TaskRecord>('task')) state.putTask(task);
  const answers = [...all<KeptAnswer>('answer')].toSorted(([, a], [, b]) => a.at - b.at);
  for (const [key, answer] of answers) state.answers.set(key, answer);
  return state;
}
