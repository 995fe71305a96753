/**
 * Periodic jobs: a run for each tick of the schedule. That a tick runs, waits or is skipped is committed with the run's begin, so that no
 * crash makes it run twice.
 */
import { isoTime } from '../../src/core/iso-time.ts';
import type { JobRecord, Ticks } from '../../src/core/job.ts';
import { isReachable } from '../../src/core/slots.ts';
import { isFinal } from '../../src/core/task.ts';
import { isDormant, planTicks, type TickPlan } from '../../src/core/ticks.ts';
import { withFiles } from './files.ts';
import type { Leader } from './leader.ts';
import { moveJob } from './moves.ts';
import { wantStopped } from './stopping.ts';

/** The deadline at which a job's next tick is looked for. */
function tickKey(job: string): string {
  return `tick:${job}`;
}

/** Brings a job's runs in line with its schedule: to be called after its tasks were followed, and when its tick is due. */
export function followTicks(leader: Leader, name: string): void {
  const job = leader.state.jobs.get(name);
  const schedule = job?.spec.schedule;
  if (job?.ticks === undefined || schedule === undefined || job.stopWanted) return leader.deadlines.clear(tickKey(name));
  const { limits } = leader.deps;
  const { clock } = leader.deps.ambient;
  const now = clock.now();
  const plan = planTicks(schedule, job.ticks, { now, isBusy: isBusy(leader, job), limits });
  if (plan.run !== undefined || plan.through !== job.ticks.through) take(leader, job, job.ticks, plan);
  if (plan.next === undefined) return leader.deadlines.clear(tickKey(name));
  // The clock may be set meanwhile: a tick is not to be noticed later by that than it may be.
  const waitMs = Math.min(Math.max(0, plan.next - now), limits.tickLateMs);
  leader.deadlines.set(tickKey(name), clock.monotonic() + waitMs);
}

/** Whether a run of a job goes on. What cannot be reached keeps none going: its tasks are made anew elsewhere. */
function isBusy(leader: Leader, job: JobRecord): boolean {
  if (!isDormant(job) && job.status !== 'completed' && job.status !== 'failed') return true;
  const { slots, extra } = leader.state.slotsOf(job);
  return slots.some(({ live }) => live.some(isReachable)) || extra.some(isReachable);
}

function take(leader: Leader, job: JobRecord, before: Ticks, { run: at, added, skipped, through, queued }: TickPlan): void {
  for (const { at: tick, until, why } of skipped) {
    const which = until === undefined ? `tick ${isoTime(tick)}` : `all ticks from ${isoTime(tick)} to ${isoTime(until)}`;
    noteTick(leader, job, 'tick.skipped', `${which}: ${why}`);
  }
  if (at === undefined) leader.ledger.putJob({ ...job, ticks: { ...before, through, queued } });
  const now = at === undefined ? job : begin(leader, job, { at, run: job.run + 1, through, queued });
  const holder = at ?? before.at;
  const why = holder === undefined ? 'an earlier run goes on' : `the run of tick ${isoTime(holder)} goes on`;
  for (const tick of added) noteTick(leader, now, 'tick.queued', `tick ${isoTime(tick)}: ${why}`);
}

/** A job in its next run, the one of a tick. What is left of earlier ones goes first. */
function begin(leader: Leader, job: JobRecord, ticks: Required<Ticks>): JobRecord {
  const cause = `tick ${isoTime(ticks.at)}`;
  const { expired: _expired, ...rest } = job;
  const run: JobRecord = { ...rest, run: ticks.run, completedFrom: ticks.run, ticks, runAt: leader.deps.ambient.clock.now() };
  const started = withFiles(leader, run);
  noteTick(leader, job, 'tick.due', `${cause}: run ${ticks.run} begins`);
  leader.ledger.putJob(started);
  for (const task of leader.state.tasksOf(job.name)) if (!isFinal(task)) wantStopped(leader, task, `replaced by the run of ${cause}`);
  return moveJob(leader, started, 'job.changed', undefined, cause);
}

function noteTick(leader: Leader, { name, status }: JobRecord, event: string, cause: string): void {
  leader.ledger.note({ machine: 'job', id: name, from: status, to: status, event, cause, job: name });
}
