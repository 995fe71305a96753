/** The control port on top of the manager actor: every request goes through its mailbox, so that only a leader answers. */
import type { ClusterEvent } from '../../src/core/events.ts';
import type { ExecItem } from '../../src/core/exec-protocol.ts';
import type { Control, EventFilter, ExecRequest, JobView, LogLine, LogRequest } from '../../src/ports/control.ts';
import type { Asks } from './asks.ts';
import { execIn } from './exec.ts';
import { jobNamed, jobView, startJob, stopJob, stopTask, submitJob } from './jobs.ts';
import type { Leader } from './leader.ts';
import { logsOf } from './logs.ts';
import { planJob } from './plan.ts';
import { rebalanceMoves } from './rebalance.ts';
import { explainTask, nodeStatuses, statusOf, taskNamed } from './queries.ts';
import { warningsOf } from './warnings.ts';

/** @param post puts a request in the manager's mailbox */
export function createControl(asks: Asks, post: (ask: number, kind: string) => void, ready: () => boolean): Control {
  const ask = <T>(kind: string, run: (leader: Leader) => T | Promise<T>): Promise<T> => asks.make((id) => post(id, kind), run);
  /** A change: answered when it is on disk. */
  const change = <T, A>(kind: string, run: (leader: Leader) => T, answer: (leader: Leader, done: T) => A): Promise<A> =>
    ask(kind, (leader) => {
      const { promise, resolve, reject } = deferred<A>();
      leader.turn(() => {
        const done = run(leader);
        leader.ledger.then(() => resolve(answer(leader, done)), reject);
      });
      return promise;
    });
  return {
    // What a turn changed may be purged in the next, before either is on disk: then its last view is the answer.
    submit: (request) =>
      change(
        'submit',
        (leader) => {
          const warnings = warningsOf(leader, request);
          return { change: submitJob(leader, request), job: jobNamed(leader, request.spec.name), warnings };
        },
        (leader, done) => ({ ...done, job: leader.state.jobs.get(done.job.name) ?? done.job }),
      ),
    plan: (request) => ask('plan', (leader) => planJob(leader, request)),
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
          stopJob(leader, name, purge);
          return before;
        },
        latestView,
      ),
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
    explain: (ref) => ask('explain', (leader) => explainTask(leader, ref)),
    rebalance: (movesMax) => ask('rebalance', (leader) => rebalanceMoves(leader, movesMax)),
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
