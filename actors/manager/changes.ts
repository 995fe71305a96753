/** How requests that change something are carried out: in a turn of the leader, once for their key, and answered when that is on disk. */
import type { JobRecord } from '../../src/core/job.ts';
import type { JobView, RequestKey, SubmitAnswer } from '../../src/ports/control.ts';
import { onceFor } from './answers.ts';
import { jobNamed, jobView, refuseStale } from './jobs.ts';
import type { Leader } from './leader.ts';

/** Asks the leader for something. */
export type Asker = <T>(kind: string, run: (leader: Leader) => T | Promise<T>) => Promise<T>;

/** The ways to change something. All are answered when it is on disk. */
export interface Changes {
  /** @param answer draws the answer from what was done, when it is on disk */
  readonly change: <T, A>(kind: string, run: (leader: Leader) => T, answer: (leader: Leader, done: T) => A) => Promise<A>;
  /** A change that is answered with what it gave. */
  readonly plain: <T>(kind: string, run: (leader: Leader) => T) => Promise<T>;
  /** A change of a job, answered with that job, or with another that it made. */
  readonly onJob: (kind: string, name: string, run: (leader: Leader, job: JobRecord) => JobRecord | void) => Promise<JobView>;
  /** A change of a job's spec, answered as a submit is. */
  readonly onSpec: (
    kind: string,
    name: string,
    checkIndex: number | undefined,
    run: (leader: Leader, job: JobRecord) => void,
  ) => Promise<SubmitAnswer>;
}

/** @param underKey the request whose changes these are, where it carries a key */
export function createChanges(ask: Asker, underKey: RequestKey | undefined): Changes {
  let step = 0;
  const change: Changes['change'] = (kind, run, answer) =>
    ask(kind, (leader) => {
      const { promise, resolve, reject } = deferred<ReturnType<typeof answer>>();
      leader.turn(() => {
        const done = underKey === undefined ? run(leader) : onceFor(leader, { ...underKey, step }, kind, () => run(leader));
        step++;
        leader.ledger.then(() => resolve(answer(leader, done)), reject);
      });
      return promise;
    });
  return {
    change,
    plain: (kind, run) => change(kind, run, (_, done) => done),
    onJob: (kind, name, run) =>
      change(
        kind,
        (leader) => {
          const job = jobNamed(leader, name);
          const made = run(leader, job);
          return jobView(leader, made ?? leader.state.jobs.get(name) ?? job);
        },
        latestView,
      ),
    onSpec: (kind, name, checkIndex, run) =>
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
      ),
  };
}

/** The job as it is by now, or as it was if it is gone. */
function latestView(leader: Leader, before: JobView): JobView {
  const job = leader.state.jobs.get(before.name);
  return job === undefined ? before : jobView(leader, job);
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
