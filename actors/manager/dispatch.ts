/** Parameterized jobs: each dispatch makes a run, a batch job of its own under a name of its own. */
import { runName, runSpec } from '../../src/core/dispatch.ts';
import { problem } from '../../src/core/errors.ts';
import { shortId } from '../../src/core/ids.ts';
import type { JobRecord } from '../../src/core/job.ts';
import type { DispatchRequest } from '../../src/ports/control.ts';
import { putFile, stampFiles } from './files.ts';
import { forgetJob, jobNamed, stopJob, submitJob } from './jobs.ts';
import type { Leader } from './leader.ts';
import { hasEnded, runsOf, trimRuns } from './runs.ts';

/**
 * Begins a run of a parameterized job. To be called inside a turn.
 * @returns the run
 * @throws CubeError `not-found`; `conflict` for a job of another type, or one that is stopped; `usage` and `too-large` for what the job does
 *   not take; `busy` when too many of its runs are under way
 */
export function dispatchJob(leader: Leader, name: string, request: DispatchRequest): JobRecord {
  const parent = jobNamed(leader, name);
  refuseUnready(leader, parent);
  const run = freeName(leader, name);
  const spec = runSpec(parent.spec, run, request, leader.deps.limits);
  // Whatever refuses it comes before anything is written.
  stampFiles(leader, spec, undefined);
  if (spec.payload !== undefined && request.payload !== undefined) putFile(leader, 'payload', run, request.payload);
  submitJob(leader, { spec, origin: { kind: 'dispatch', parent: name }, mustBeNew: true });
  trimRuns(leader, name, (old) => forgetJob(leader, old));
  return jobNamed(leader, run);
}

function refuseUnready(leader: Leader, { name, spec, stopWanted }: JobRecord): void {
  if (spec.type !== 'parameterized') {
    throw problem('conflict', `job ${name} is a ${spec.type} job: only parameterized jobs are dispatched`, {
      hint: spec.type === 'periodic' ? 'its runs begin at its ticks' : 'give its file `type: parameterized`',
    });
  }
  if (stopWanted) throw problem('conflict', `job ${name} is stopped`, { hint: `start it with \`cube start ${name}\`` });
  const { dispatchedLiveMax } = leader.deps.limits;
  const live = runsOf(leader, name).filter((run) => !hasEnded(leader, run)).length;
  if (live >= dispatchedLiveMax) throw problem('busy', `${live} runs of job ${name} are under way already`);
}

function freeName(leader: Leader, parent: string): string {
  for (;;) {
    const name = runName(parent, shortId(leader.deps.ambient.ids.id()));
    if (!leader.state.jobs.has(name)) return name;
  }
}

/** Wants a job stopped, and with a parameterized one its runs that go on; `purge` forgets those that have ended, too. */
export function stopWithRuns(leader: Leader, name: string, purge: boolean): void {
  stopJob(leader, name, purge);
  for (const run of runsOf(leader, name)) if (purge || !hasEnded(leader, run)) stopJob(leader, run.name, purge);
}
