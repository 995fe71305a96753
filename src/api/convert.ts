/** Views of the control port as the JSON that scripts read, where core/views.ts has no converter because core knows no ports. */
import type { JobRecord } from '../core/job.ts';
import type { TaskRecord } from '../core/task.ts';
import { isoTime, jobJson, taskJson } from '../core/views.ts';
import type { ExplainJson, JobJson, LogLineJson, StatusJson } from '../core/views.ts';
import type { VersionJson } from '../core/deployment-view.ts';
import type { ExplainView, JobView, LogLine, StatusView, VersionView } from '../ports/control.ts';

/** A job with its counts. */
export function jobViewJson(job: JobView): JobJson {
  return jobJson(job, job.counts);
}

/** A job as a submit left it, with the counts known of it (none, when it was forgotten at once). */
export function submittedJson(job: JobRecord, known: JobView | undefined): JobJson {
  return jobJson(job, known?.counts ?? { desired: 0, running: 0, healthy: 0, failed: 0, completed: 0 });
}

/** A version of a job. */
export function versionJson({ version, createdAt, cause, state, reason, isCurrent, spec, diff }: VersionView): VersionJson {
  return { version, createdAt: isoTime(createdAt), cause, state: state ?? null, reason: reason ?? null, isCurrent, spec, diff };
}

/** Jobs and tasks as of one commit. */
export function statusJson(status: StatusView): StatusJson {
  return { index: status.index, jobs: status.jobs.map(jobViewJson), tasks: status.tasks.map(taskJson) };
}

/** Why a task is where it is. */
export function explainJson(view: ExplainView): ExplainJson {
  const { id, slot, state } = view.task;
  return { task: id, slot, state, picked: view.picked, reasons: view.reasons, nodes: view.nodes };
}

/** A line of a task's output. */
export function logLineJson({ at, slot, task, stream, text }: LogLine): LogLineJson {
  return { at: isoTime(at), slot, task, stream, text };
}

/** Of each slot the newest record. */
export function newestOfSlots<Task extends TaskRecord>(tasks: readonly Task[]): readonly Task[] {
  const slots = new Map<string, Task>();
  for (const task of tasks) {
    const other = slots.get(task.slot);
    if (other === undefined || other.createdAt <= task.createdAt) slots.set(task.slot, task);
  }
  return [...slots.values()];
}
