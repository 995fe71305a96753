/** A periodic job on a real manager whose worker is scripted. */
import type { JobSpec, ScheduleSpec } from '../../src/core/job.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { jobSpec } from '../sim/scripts.ts';
import { createManagerBench, report, type ManagerBench, type ScriptedWorker } from './manager-bench.ts';

/** The simulated clock's first minute. */
export const begin = Date.UTC(2026, 0, 1);

export function periodic(schedule: Partial<ScheduleSpec> = {}, changes: Partial<JobSpec> = {}): JobSpec {
  const spec = jobSpec('report', 'periodic', 'completes:1', 1);
  return { ...spec, schedule: { cron: '* * * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip', ...schedule }, ...changes };
}

/** A manager with one worker, and a job that ticks each minute. */
export async function withPeriodic(
  schedule: Partial<ScheduleSpec> = {},
  changes: Partial<JobSpec> = {},
  bench = createManagerBench(),
): Promise<{ bench: ManagerBench; worker: ScriptedWorker }> {
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await submit(bench, periodic(schedule, changes));
  return { bench, worker };
}

export async function submit(bench: ManagerBench, spec: JobSpec): Promise<void> {
  await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' } }));
}

/** Passes time up to so many seconds after the start. */
export async function until(bench: ManagerBench, seconds: number): Promise<void> {
  await bench.pass(begin + seconds * 1_000 - bench.world.clock.now());
}

export function tasks(bench: ManagerBench): TaskRecord[] {
  return [...bench.host.mirror.tasks.values()].toSorted((a, b) => a.run - b.run || a.createdAt - b.createdAt);
}

export function job(bench: ManagerBench) {
  return bench.host.mirror.jobs.get('report')!;
}

/** Ticks of the tasks that there are, in seconds since the start. */
export function ticksRun(bench: ManagerBench): number[] {
  return tasks(bench).map(({ tick }) => ((tick ?? 0) - begin) / 1_000);
}

/** What was told of ticks so far: ticks in seconds since the start. */
export function told(bench: ManagerBench): string[] {
  const events = bench.host.mirror.events.filter(({ event }) => event.startsWith('tick.'));
  const short = (iso: string): string => String((Date.parse(iso) - begin) / 1_000);
  return events.map(({ event, cause }) => `${event} ${cause.replaceAll(/2026-\S+?Z/g, short)}`);
}

let sequence = 0;

/** A number for a report, higher than all before. */
export function nextSequence(): number {
  return ++sequence;
}

/** Ends the newest task. */
export async function end(
  bench: ManagerBench,
  worker: ScriptedWorker,
  state: 'completed' | 'failed' | 'stopped' = 'completed',
): Promise<void> {
  worker.send({ type: 'reports', reports: [report(tasks(bench).at(-1)!.id, ++sequence, state)] });
  await bench.pass(10);
}

/** A crash of the manager, and the next start so much later; the worker comes back. */
export async function crash(bench: ManagerBench, worker: ScriptedWorker, awayMs: number): Promise<void> {
  worker.leave();
  bench.host.kill();
  await bench.pass(awayMs);
  await bench.start();
  const reports = tasks(bench)
    .filter(({ state }) => state === 'running' || state === 'scheduled')
    .map(({ id }) => report(id, ++sequence, 'running'));
  await bench.answer(worker.join({ reports }));
  await bench.pass(10);
}
