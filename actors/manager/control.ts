/** The control port on top of the manager actor: every request goes through its mailbox, so that only a leader answers. */
import type { ClusterEvent } from '../../src/core/events.ts';
import type { ExecItem } from '../../src/core/exec-protocol.ts';
import type { Control, EventFilter, ExecRequest, LogLine, LogRequest, RequestKey, SubmitRequest } from '../../src/ports/control.ts';
import type { Asks } from './asks.ts';
import { createChanges, type Asker, type Changes } from './changes.ts';
import { findImages, type FoundImages } from './digests.ts';
import { dispatchJob, stopWithRuns } from './dispatch.ts';
import { execIn } from './exec.ts';
import { promoteJob, restartJob } from './deployments.ts';
import { jobNamed, startJob, stopTask, submitJob } from './jobs.ts';
import { fileViews, removeFile, setFile } from './files.ts';
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
  const ask: Asker = (kind, run) => asks.make((id) => post(id, kind), run);
  const changes = createChanges(ask, underKey);
  return {
    keyed: (keyed) => createControl(asks, post, ready, keyed),
    ...submits(ask, changes),
    ...jobChanges(changes),
    ...otherChanges(changes),
    ...looks(ask),
    ready,
  };
}

type Submits = Pick<Control, 'submit' | 'plan'>;

/** What takes a whole job, or would. */
function submits(ask: Asker, { change }: Changes): Submits {
  /** Where it counts what images stand for, that is found out before the turn: nodes take their time to tell. */
  const withImages = <T>(kind: string, { spec, refreshImages }: SubmitRequest, run: (found?: FoundImages) => Promise<T>): Promise<T> =>
    refreshImages === true ? ask(kind, (leader) => findImages(leader, spec)).then(run) : run();
  return {
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
  };
}

type JobChanges = Pick<Control, 'startJob' | 'stopJob' | 'scale' | 'rollback' | 'restartJob' | 'promote' | 'dispatch'>;

function jobChanges({ onJob, onSpec }: Changes): JobChanges {
  return {
    startJob: (name) => onJob('startJob', name, (leader) => startJob(leader, name)),
    stopJob: (name, { purge }) => onJob('stopJob', name, (leader) => stopWithRuns(leader, name, purge)),
    scale: (name, counts, { checkIndex }) => onSpec('scale', name, checkIndex, (leader, job) => scaleJob(leader, job, counts)),
    rollback: (name, version) => onSpec('rollback', name, undefined, (leader, job) => rollBack(leader, job, version)),
    restartJob: (name) => onJob('restartJob', name, restartJob),
    promote: (name) => onJob('promote', name, promoteJob),
    dispatch: (name, given) => onJob('dispatch', name, (leader) => dispatchJob(leader, name, given)),
  };
}

type OtherChanges = Pick<Control, 'stopTask' | 'removeNode' | 'setEligible' | 'setLabels' | 'releaseVolume' | 'setFile' | 'removeFile'>;

function otherChanges({ change, plain }: Changes): OtherChanges {
  return {
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
    removeNode: (ref) => plain('removeNode', (leader) => removeNode(leader, ref)),
    setEligible: (ref, eligible) => plain('setEligible', (leader) => setEligible(leader, ref, eligible)),
    setLabels: (ref, labels) => plain('setLabels', (leader) => setLabels(leader, ref, labels)),
    releaseVolume: (slot) => plain('releaseVolume', (leader) => releaseClaim(leader, slot)),
    setFile: (kind, name, content) => plain('setFile', (leader) => setFile(leader, kind, name, content)),
    removeFile: (kind, name) => plain('removeFile', (leader) => removeFile(leader, kind, name)),
  };
}

type Looks = Pick<
  Control,
  'status' | 'history' | 'nodes' | 'explain' | 'rebalance' | 'volumes' | 'files' | 'events' | 'logs' | 'backup' | 'exec'
>;

function looks(ask: Asker): Looks {
  return {
    status: (filter) => ask('status', (leader) => statusOf(leader, filter)),
    history: (name) => ask('history', (leader) => historyOf(leader, jobNamed(leader, name))),
    nodes: () => ask('nodes', nodeStatuses),
    explain: (ref) => ask('explain', (leader) => explainTask(leader, ref)),
    rebalance: (movesMax) => ask('rebalance', (leader) => rebalanceMoves(leader, movesMax)),
    volumes: () => ask('volumes', claimViews),
    files: (kind) => ask('files', (leader) => fileViews(leader, kind)),
    events: (filter) => events(ask, filter),
    logs: (ref, request) => logs(ask, ref, request),
    backup: (version) => backup(ask, version),
    exec: (ref, request) => exec(ask, ref, request),
  };
}

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
