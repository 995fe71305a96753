/** The control port on top of the manager actor: every request goes through its mailbox, so that only a leader answers. */
import type { JobRecord } from '../../src/core/job.ts';
import type { ClusterEvent } from '../../src/core/events.ts';
import type { ExecItem } from '../../src/core/exec-protocol.ts';
import type {
  Control,
  EventFilter,
  ExecRequest,
  JobView,
  LogLine,
  LogRequest,
  NodeStatus,
  RequestKey,
  SubmitAnswer,
  SubmitRequest,
} from '../../src/ports/control.ts';
import { onceFor } from './answers.ts';
import type { Asks } from './asks.ts';
import { findImages, type FoundImages } from './digests.ts';
import { dispatchJob, stopWithRuns } from './dispatch.ts';
import { execIn } from './exec.ts';
import { promoteJob, restartJob } from './deployments.ts';
import { jobNamed, jobView, refuseStale, startJob, stopTask, submitJob } from './jobs.ts';
import { fileViews, removeFile, setFile } from './files.ts';
import type { Leader } from './leader.ts';
import { logsOf } from './logs.ts';
import { removeNode, setEligible, setLabels } from './node-admin.ts';
import { planJob } from './plan.ts';
import { rebalanceMoves } from './rebalance.ts';
import { explainTask, nodeStatuses, statusOf, taskNamed } from './queries.ts';
import { claimViews, releaseClaim } from './volumes.ts';
import { historyOf, rollBack, scaleJob } from './versions.ts';
import { warningsOf } from './warnings.ts';

/**
 * @param post puts a request in the manager's mailbox
 * @param underKey the request whose changes these are, where it carries a key
 */
export function createControl(asks: Asks, post: (ask: number, kind: string) => void, ready: () => boolean, underKey?: RequestKey): Control {
  let step = 0;
  const ask = <T>(kind: string, run: (leader: Leader) => T | Promise<T>): Promise<T> => asks.make((id) => post(id, kind), run);
  /** A change: answered when it is on disk. */
  const change = <T, A>(kind: string, run: (leader: Leader) => T, answer: (leader: Leader, done: T) => A): Promise<A> =>
    ask(kind, (leader) => {
      const { promise, resolve, reject } = deferred<A>();
      leader.turn(() => {
        const done = underKey === undefined ? run(leader) : onceFor(leader, { ...underKey, step }, kind, () => run(leader));
        step++;
        leader.ledger.then(() => resolve(answer(leader, done)), reject);
      });
      return promise;
    });
  /** A change of one job. */
  const onJob = (kind: string, name: string, run: (leader: Leader, job: JobRecord) => void): Promise<JobView> =>
    change(
      kind,
      (leader) => {
        run(leader, jobNamed(leader, name));
        return jobView(leader, jobNamed(leader, name));
      },
      latestView,
    );
  /** The same, answered as a submit is: what it changes is the job's spec. */
  const submitted = (
    kind: string,
    name: string,
    checkIndex: number | undefined,
    run: (leader: Leader, job: JobRecord) => void,
  ): Promise<SubmitAnswer> =>
    change(
      kind,
      (leader): SubmitAnswer => {
        const known = jobNamed(leader, name);
        refuseStale(known, checkIndex);
        run(leader, known);
        const job = jobNamed(leader, name);
        const was = known.stopWanted && !job.stopWanted && job.version === known.version ? 'started' : 'updated';
        return { job, change: job.index === known.index ? 'unchanged' : was, warnings: [] };
      },
      (leader, done) => ({ ...done, job: leader.state.jobs.get(name) ?? done.job }),
    );
  const onNode = (kind: string, run: (leader: Leader) => NodeStatus): Promise<NodeStatus> => change(kind, run, (_, node) => node);
  /** Where it counts what images stand for, that is found out before the turn: nodes take their time to tell. */
  const withImages = <T>(kind: string, { spec, refreshImages }: SubmitRequest, run: (found?: FoundImages) => Promise<T>): Promise<T> =>
    refreshImages === true ? ask(kind, (leader) => findImages(leader, spec)).then(run) : run();
  return {
    keyed: (keyed) => createControl(asks, post, ready, keyed),
    // What a turn changed may be purged in the next, before either is on disk: then its last view is the answer.
    submit: (request) =>
      withImages('submit', request, (found) =>
        change(
          'submit',
          (leader) => {
            const warnings = warningsOf(leader, request, found?.warnings);
            return { change: submitJob(leader, request, found?.images), job: jobNamed(leader, request.spec.name), warnings };
          },
          (leader, done) => ({ ...done, job: leader.state.jobs.get(done.job.name) ?? done.job }),
        ),
      ),
    plan: (request) => withImages('plan', request, (found) => ask('plan', (leader) => planJob(leader, request, found))),
    startJob: (name) =>
      change(
        'startJob',
        (leader) => {
          startJob(leader, name);
          return jobView(leader, jobNamed(leader, name));
        },
        latestView,
      ),
    stopJob: (name, { purge }) =>
      change(
        'stopJob',
        (leader) => {
          const before = jobView(leader, jobNamed(leader, name));
          stopWithRuns(leader, name, purge);
          return before;
        },
        latestView,
      ),
    scale: (name, counts, { checkIndex }) => submitted('scale', name, checkIndex, (leader, job) => scaleJob(leader, job, counts)),
    rollback: (name, version) => submitted('rollback', name, undefined, (leader, job) => rollBack(leader, job, version)),
    restartJob: (name) => onJob('restartJob', name, restartJob),
    promote: (name) => onJob('promote', name, promoteJob),
    dispatch: (name, given) =>
      change(
        'dispatch',
        (leader) => {
          const run = dispatchJob(leader, name, given);
          return jobView(leader, run);
        },
        latestView,
      ),
    history: (name) => ask('history', (leader) => historyOf(leader, jobNamed(leader, name))),
    stopTask: (ref) =>
      change(
        'stopTask',
        (leader) => {
          const task = taskNamed(leader, ref);
          stopTask(leader, task);
          return task;
        },
        (leader, task) => leader.state.tasks.get(task.id) ?? task,
      ),
    status: (filter) => ask('status', (leader) => statusOf(leader, filter)),
    nodes: () => ask('nodes', nodeStatuses),
    removeNode: (ref) => onNode('removeNode', (leader) => removeNode(leader, ref)),
    setEligible: (ref, eligible) => onNode('setEligible', (leader) => setEligible(leader, ref, eligible)),
    setLabels: (ref, labels) => onNode('setLabels', (leader) => setLabels(leader, ref, labels)),
    explain: (ref) => ask('explain', (leader) => explainTask(leader, ref)),
    rebalance: (movesMax) => ask('rebalance', (leader) => rebalanceMoves(leader, movesMax)),
    volumes: () => ask('volumes', claimViews),
    releaseVolume: (slot) =>
      change(
        'releaseVolume',
        (leader) => releaseClaim(leader, slot),
        (_, released) => released,
      ),
    files: (kind) => ask('files', (leader) => fileViews(leader, kind)),
    setFile: (kind, name, content) =>
      change(
        'setFile',
        (leader) => setFile(leader, kind, name, content),
        (_, set) => set,
      ),
    removeFile: (kind, name) =>
      change(
        'removeFile',
        (leader) => removeFile(leader, kind, name),
        (_, removed) => removed,
      ),
    events: (filter) => events(ask, filter),
    logs: (ref, request) => logs(ask, ref, request),
    backup: (version) => backup(ask, version),
    exec: (ref, request) => exec(ask, ref, request),
    ready,
  };
}

/** The job as it is by now, or as it was if it is gone. */
function latestView(leader: Leader, before: JobView): JobView {
  const job = leader.state.jobs.get(before.name);
  return job === undefined ? before : jobView(leader, job);
}

type Asker = <T>(kind: string, run: (leader: Leader) => T | Promise<T>) => Promise<T>;

async function* events(ask: Asker, filter: EventFilter): AsyncGenerator<ClusterEvent> {
  const leader = await ask('events', (found) => found);
  const task = filter.task === undefined ? undefined : await ask('events', (found) => taskNamed(found, filter.task!).id);
  // Events carry the node's name.
  const node = filter.node === undefined ? undefined : (leader.state.nodes.get(filter.node)?.name ?? filter.node);
  yield* leader.events.read(
    { ...filter, ...(task === undefined ? {} : { task }), ...(node === undefined ? {} : { node }) },
    leader.deps.ambient.clock.now(),
  );
}

async function* logs(ask: Asker, ref: string, request: LogRequest): AsyncGenerator<LogLine> {
  const leader = await ask('logs', (found) => found);
  yield* logsOf(leader, ref, request);
}

async function* exec(ask: Asker, ref: string, request: ExecRequest): AsyncGenerator<ExecItem> {
  const leader = await ask('exec', (found) => found);
  yield* execIn(leader, ref, request);
}

async function* backup(ask: Asker, version: string): AsyncGenerator<Uint8Array> {
  const { store, identity, deps } = await ask('backup', (found) => found);
  yield* store.backup({ ...identity, version, createdAt: deps.ambient.clock.now() });
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
