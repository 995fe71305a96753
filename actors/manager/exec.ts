/** A client's command in a task, on the node that has the task. */
import { problem } from '../../src/core/errors.ts';
import { execItemIn, type ExecItem } from '../../src/core/exec-protocol.ts';
import { isFinal, type TaskRecord } from '../../src/core/task.ts';
import type { ExecRequest } from '../../src/ports/control.ts';
import type { Leader } from './leader.ts';
import { taskNamed } from './queries.ts';

/**
 * Runs a command in a task, or in the one running task of a job.
 * @throws CubeError `not-found`; `not-running` with the state it is in; `conflict` for a job with several running tasks; `cut-off`
 */
export async function* execIn(leader: Leader, ref: string, request: ExecRequest): AsyncGenerator<ExecItem> {
  const task = runningTask(leader, ref);
  const { command, tty, stdin, size, input, signal } = request;
  const { log } = leader.deps.ambient;
  const fields = { task: task.id, slot: task.slot, node: task.nodeName ?? task.node };
  const what = { kind: 'exec' as const, task: task.id, command, tty, stdin, ...(size ? { size } : {}) };
  for await (const item of leader.sessions.stream(task.node, what, AbortSignal.any([signal]), input)) {
    const given = execItemIn(item);
    if (given === undefined) throw problem('failed', 'the node told something of the command that this manager does not understand');
    // What is run may hold secrets; that something is, and where, is what an operator must be able to see.
    if (given.kind === 'started') log.info('a command was started in a task', fields);
    yield given;
  }
}

type Placed = TaskRecord & { readonly node: string };

function isRunning(task: TaskRecord): task is Placed {
  return task.node !== undefined && (task.state === 'running' || task.state === 'stopping');
}

function runningTask(leader: Leader, ref: string): Placed {
  if (leader.state.jobs.has(ref)) return onlyTask(leader, ref);
  const task = taskNamed(leader, ref);
  if (isRunning(task)) return task;
  const why = task.reason ? `: ${task.reason}` : '';
  throw problem('not-running', `task ${task.slot} does not run: it is ${task.state}${why}`, isFinal(task) ? { hint: goneHint } : {});
}

const goneHint = '`cube status JOB` lists the tasks that run';

function onlyTask(leader: Leader, job: string): Placed {
  const running = leader.state.tasksOf(job).filter(isRunning);
  const [only] = running;
  if (only === undefined) {
    const { status } = leader.state.jobs.get(job)!;
    throw problem('not-running', `no task of job ${job} runs: it is ${status}`);
  }
  if (running.length === 1) return only;
  const slots = running.map(({ slot }) => slot).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const shown = slots.slice(0, leader.deps.limits.reasonsMax);
  const more = slots.length > shown.length ? ` and ${slots.length - shown.length} more` : '';
  throw problem('conflict', `job ${job} has ${slots.length} tasks that run: ${shown.join(', ')}${more}`, { hint: 'name one of them' });
}
