/** Live progress of a job on stderr: a view that is drawn again on a terminal, a line for each change elsewhere. */
import { formatDuration } from '../core/duration.ts';
import type { JobJson, StatusJson, TaskJson } from '../core/views.ts';
import { deploymentOf, deploymentText, isUnderWay } from './deployment-text.ts';
import type { LiveView } from './live-view.ts';
import type { Output } from './output.ts';
import { countsText, currentTasks, healthCell, isUp, jobSentence, ownReason, taskSentence, whyText } from './tasks.ts';
import { alignTable } from './table.ts';

/** Tasks shown one by one; a bigger job is shown in counts. */
const shownMax = 24;

/** Whether the wait for a job ends with its status: its reason is told then. */
function isEnded({ status }: JobJson): boolean {
  return status === 'failed' || status === 'stopped' || status === 'completed';
}

function isNews(task: TaskJson): boolean {
  return !isUp(task) && task.state !== 'completed';
}

/** What a line of progress is about: a task of the same key is no news. A pull's percentage is not in it. */
function newsKey(task: TaskJson): string {
  // What it does now is news, how far that is is not: `pulling nginx:1 (40 %)`.
  const doing = (task.detail ?? '').replace(/ \([^()]*\)$/, '');
  return `${task.state} ${task.health} ${task.node ?? ''} ${task.reason ?? ''} ${task.restarts} ${doing}`;
}

/** Shows how a job comes along. */
export class Progress {
  private readonly output: Output;
  private readonly view: LiveView | undefined;
  private readonly seen = new Map<string, string>();
  private readonly ignored: ReadonlySet<string>;
  private readonly now: () => number;
  private readonly startedAt: number;
  private lastCounts = '';
  private lastDeployment = '';
  private readonly lastReasons = new Map<string, string>();

  /**
   * @param ignored ids of tasks that had ended before
   * @param known tasks as they were before: no news
   */
  constructor(output: Output, ignored: ReadonlySet<string>, known: readonly TaskJson[], now: () => number) {
    this.output = output;
    this.view = output.liveNotes();
    this.ignored = ignored;
    for (const task of known) this.seen.set(task.id, newsKey(task));
    this.now = now;
    this.startedAt = now();
  }

  /** Shows what is new. */
  show(status: StatusJson): void {
    const tasks = currentTasks(status.tasks.filter((task) => !this.ignored.has(task.id)));
    if (!this.view) this.sayDeployment(status);
    if (this.view) this.view.show(this.drawing(status, tasks));
    else if (tasks.length > shownMax) this.sayCounts(status, tasks);
    else for (const task of tasks) this.say(task, status.jobs.find((job) => job.name === task.job)?.version ?? task.version);
    if (!this.view) this.sayReasons(status);
  }

  /** Why a job waits, where no task tells that: those that wait for others have no record yet. */
  private sayReasons(status: StatusJson): void {
    for (const job of status.jobs) {
      const reason = ownReason(job, status.tasks);
      if (reason === undefined || isEnded(job) || this.lastReasons.get(job.name) === reason) continue;
      this.lastReasons.set(job.name, reason);
      this.output.note(`${job.name}: ${reason}`);
    }
  }

  private say(task: TaskJson, version: number): void {
    const key = newsKey(task);
    if (this.seen.get(task.id) === key) return;
    this.seen.set(task.id, key);
    this.output.note(`${taskSentence(task)}${task.version === version ? '' : ` (version ${task.version})`}`);
  }

  /** A message that stays, whatever is drawn. */
  message(text: string): void {
    this.view?.clear();
    this.output.note(text);
  }

  /** Ends the view; the result takes its place. */
  end(): void {
    this.view?.clear();
  }

  /** How far an update is, once there is something to say of it. */
  private sayDeployment(status: StatusJson): void {
    for (const job of status.jobs) {
      const { updated = 0, rollbackOf = null, state } = deploymentOf(job) ?? {};
      // That one is paused ends the wait, and is told then.
      const isNewsworthy = state === 'awaitingPromotion' || (state === 'rolling' && (updated > 0 || rollbackOf !== null));
      const text = isNewsworthy ? deploymentText(job) : undefined;
      if (text === undefined || text === this.lastDeployment) continue;
      this.lastDeployment = text;
      this.output.note(`${job.name}: ${text}`);
    }
  }

  private sayCounts(status: StatusJson, tasks: readonly TaskJson[]): void {
    const counts = countsText(tasks);
    if (counts === this.lastCounts) return;
    this.lastCounts = counts;
    this.output.note(`${status.jobs[0]?.name ?? ''}: ${counts}`);
  }

  private drawing(status: StatusJson, tasks: readonly TaskJson[]): string[] {
    const shown = tasks.length > shownMax ? tasks.filter(isNews).slice(0, shownMax) : tasks;
    const rows = shown.map((task) => [`  ${task.slot}`, healthCell(task), task.node ?? '', whyText(task)]);
    const table = alignTable(['', '', '', ''], rows, this.output.paintNote).slice(1);
    const since = formatDuration(this.now() - this.startedAt);
    const heads = status.jobs.map((job) => this.output.paintNote(`${jobSentence(job)}, ${since}`, 'strong'));
    const updates = status.jobs.filter(isUnderWay).map((job) => `  ${deploymentText(job) ?? ''}`);
    const reasons = status.jobs.flatMap((job) => (isEnded(job) ? [] : (ownReason(job, status.tasks) ?? []))).map((reason) => `  ${reason}`);
    return [...heads, ...updates, ...reasons, ...(tasks.length > shownMax ? [`  ${countsText(tasks)}`] : []), ...table];
  }
}
