/** How `cube status` shows what there is: lines for people. */
import { shortId } from '../core/ids.ts';
import { runKind } from '../core/job.ts';
import { formatBytes } from '../core/resources.ts';
import type { EventJson, JobJson, StatusJson, TaskJson } from '../core/views.ts';
import { deploymentMark, deploymentText, failedVersionOf, isUnderWay } from './deployment-text.ts';
import type { Thing } from './find.ts';
import type { Paint } from './output.ts';
import { alignTable, fitTable } from './table.ts';
import type { Cell } from './table.ts';
import { bySlot, countsText, currentTasks, healthCell, newestFailures, statusCell, whyText } from './tasks.ts';
import { ago, clockTime, cores, shareOfBytes } from './time.ts';

/** How lines are made. */
export interface ViewOptions {
  readonly nowMs: number;
  readonly paint: Paint;
  /** Ended tasks whose slot has a newer one, too. */
  readonly all: boolean;
  /** Width of the terminal they go to, in characters; absent where they go elsewhere. */
  readonly columns?: number | undefined;
}

function shownTasks(status: StatusJson, options: ViewOptions): readonly TaskJson[] {
  return options.all ? status.tasks.toSorted(bySlot) : currentTasks(status.tasks);
}

/** The same of one job, with what a version failed of, as long as that version or the roll-back of it is the newest. */
function jobTasks(job: JobJson, status: StatusJson, options: ViewOptions): readonly TaskJson[] {
  const shown = shownTasks(status, options);
  const failed = failedVersionOf(job);
  if (failed === undefined) return shown;
  const more = newestFailures(status.tasks, failed).filter((task) => !shown.includes(task));
  return more.length === 0 ? shown : [...shown, ...more].toSorted(bySlot);
}

/** A line a task, under the header that the seeds' `status` has. */
export function taskLines(status: StatusJson, options: ViewOptions): string[] {
  const rows = shownTasks(status, options).map((task): Cell[] => [
    shortId(task.id),
    task.slot,
    ago(task.createdAt, options.nowMs),
    healthCell(task),
    task.containerName ?? '',
    task.image,
    task.node ?? '',
  ]);
  return alignTable(['ID', 'NAME', 'CREATED', 'STATE', 'CONTAINERNAME', 'IMAGE', 'NODE'], rows, options.paint);
}

/** A line a job. */
export function jobLines(jobs: readonly JobJson[], options: ViewOptions): string[] {
  const rows = jobs.map((job): Cell[] => [
    job.name,
    job.type,
    statusWithMark(job),
    `${runKind(job.type) === 'batch' ? job.completed : job.running}/${job.desired}`,
    String(job.failed),
    String(job.version),
    ago(job.updatedAt, options.nowMs),
  ]);
  return alignTable(['NAME', 'TYPE', 'STATUS', 'DONE', 'FAILED', 'VERSION', 'UPDATED'], rows, options.paint);
}

/** A job's status, and what becomes of its update: `degraded, updating 2/10`. */
function statusWithMark(job: JobJson): Cell {
  const [mark, tone] = deploymentMark(job);
  const status = statusCell(job.status);
  return mark === '' ? status : [`${job.status}, ${mark}`, status[1] === 'bad' ? 'bad' : tone];
}

function facts(rows: readonly (readonly [string, Cell])[], paint: Paint): string[] {
  const told = rows.filter(([, value]) => value !== '' && value[0] !== '');
  return alignTable(
    ['', ''],
    told.map(([name, value]): Cell[] => [[`${name}:`, 'dim'], value]),
    paint,
  ).slice(1);
}

/** One job: what it is, and its tasks with the reasons of those in trouble. */
function oneJobLines(status: StatusJson, options: ViewOptions): string[] {
  const job = status.jobs[0];
  if (!job) return taskLines(status, options);
  const { paint, nowMs } = options;
  const head = facts(
    [
      ['job', job.name],
      ['type', job.type],
      ['status', statusCell(job.status)],
      ['reason', job.reason ?? ''],
      ['version', `${job.version} (index ${job.index})`],
      ['deployment', deploymentText(job) ?? ''],
      ['run of', (job.parent as string | null | undefined) ?? ''],
      ['last tick', job.lastTick ?? ''],
      ['next tick', job.nextTick ?? ''],
      ['wanted', `${job.desired}: ${job.running} running, ${job.healthy} healthy, ${job.completed} completed, ${job.failed} failed`],
      ['data centers', job.datacenters.length > 0 ? job.datacenters.join(', ') : 'any'],
      ['created', ago(job.createdAt, nowMs)],
      ['updated', ago(job.updatedAt, nowMs)],
    ],
    paint,
  );
  const tasks = jobTasks(job, status, options);
  const withVersion = isUnderWay(job) || tasks.some(({ version }) => version !== tasks[0]!.version);
  const rows = tasks.map((task): Cell[] => [
    shortId(task.id),
    task.slot,
    ...(withVersion ? [String(task.version)] : []),
    healthCell(task),
    String(task.restarts),
    task.node ?? '',
    portsText(task),
    whyText(task),
  ]);
  const [titles, fitting] = fitTable(
    ['ID', 'NAME', ...(withVersion ? ['VERSION'] : []), 'STATE', 'RESTARTS', 'NODE', 'PORTS', 'REASON'],
    rows,
    options.columns,
  );
  return [...head, '', ...alignTable(titles, fitting, paint)];
}

function portsText(task: TaskJson): string {
  return task.ports.map((port) => `${port.ip}:${port.host}->${port.container}${port.protocol === 'udp' ? '/udp' : ''}`).join(' ');
}

/** What was measured of it: `0.12 cores, 34 MiB, network 1.2 KiB in and 3 MiB out`. */
function usageText({ usage }: TaskJson): string {
  if (!usage) return '';
  const { cpu, memoryBytes, networkInBytes, networkOutBytes } = usage;
  const parts = [cpu === null ? '' : `${Number(cpu.toFixed(3))} cores`, formatBytes(memoryBytes)];
  if (networkInBytes !== null && networkOutBytes !== null) {
    parts.push(`network ${formatBytes(networkInBytes)} in and ${formatBytes(networkOutBytes)} out`);
  }
  return parts.filter((part) => part !== '').join(', ');
}

/** The newest of the records that a slot or an id stands for. */
export function newestTask(status: StatusJson): TaskJson | undefined {
  return status.tasks.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt)).at(-1);
}

/** One task: what it is, and how it came to be so. */
function oneTaskLines(task: TaskJson, events: readonly EventJson[], options: ViewOptions): string[] {
  const { paint, nowMs } = options;
  const head = facts(
    [
      ['task', task.id],
      ['slot', task.slot],
      ['state', healthCell(task)],
      ['reason', whyText(task)],
      ['wanted', task.desired],
      ['health', task.hasCheck ? task.health : 'no check'],
      ['image', task.image],
      ['digest', task.digest ?? ''],
      ['node', task.node ?? ''],
      ['container', task.containerName ?? ''],
      ['container id', task.containerId ? task.containerId.slice(0, 12) : ''],
      ['ports', portsText(task)],
      ['uses', usageText(task)],
      ['restarts', task.lastEnd === null ? String(task.restarts) : `${task.restarts}, the last after: ${task.lastEnd}`],
      ['exit code', task.exitCode === null ? '' : String(task.exitCode)],
      ['version', String(task.version)],
      ['created', ago(task.createdAt, nowMs)],
      ['started', ago(task.startedAt, nowMs)],
      ['finished', ago(task.finishedAt, nowMs)],
    ],
    paint,
  );
  return events.length === 0 ? head : [...head, '', ...timeline(events, paint)];
}

function timeline(events: readonly EventJson[], paint: Paint): string[] {
  const first = Date.parse(events[0]!.at);
  const rows = events.map((event): Cell[] => [
    clockTime(event.at),
    `+${((Date.parse(event.at) - first) / 1_000).toFixed(3)}s`,
    event.from,
    event.to,
    event.cause,
  ]);
  return alignTable(['AT', 'SINCE', 'FROM', 'TO', 'WHY'], rows, paint);
}

function nodeLines(thing: Thing & { kind: 'node' }, options: ViewOptions): string[] {
  const { node, status } = thing;
  const labels = Object.entries(node.labels).map(([name, value]) => `${name}=${value}`);
  const custom = Object.entries(node.capacity.custom).map(([name, amount]) => `${node.reserved.custom[name] ?? 0}/${amount} ${name}`);
  const head = facts(
    [
      ['node', node.name],
      ['id', node.id],
      ['state', node.reason ? `${node.state}: ${node.reason}` : node.state],
      ['eligible', node.eligible ? 'yes' : 'no'],
      ['role', node.role],
      ['data center', node.dc],
      ['labels', labels.join(', ')],
      ['cpu', `${cores(node.reserved.cpu)}/${cores(node.capacity.cpu)} reserved, ${cores(node.used.cpu)} used`],
      [
        'memory',
        `${shareOfBytes(node.reserved.memoryBytes, node.capacity.memoryBytes)} reserved, ${formatBytes(node.used.memoryBytes)} used`,
      ],
      ['disk', `${shareOfBytes(node.reserved.diskBytes, node.capacity.diskBytes)} reserved, ${formatBytes(node.used.diskBytes)} used`],
      ['custom', custom.join(', ')],
      ['runtime', `${node.runtime.name} ${node.runtime.version}`],
      ['system', `${node.os} ${node.arch}, cube ${node.version}`],
      ['tasks', status.tasks.length === 0 ? 'none' : countsText(currentTasks(status.tasks))],
    ],
    options.paint,
  );
  return status.tasks.length === 0 ? head : [...head, '', ...taskLines(status, options)];
}

/** Lines for a job, a task or a node. */
export function thingLines(thing: Thing, events: readonly EventJson[], options: ViewOptions): string[] {
  if (thing.kind === 'node') return nodeLines(thing, options);
  if (thing.kind === 'job') return oneJobLines(thing.status, options);
  const task = newestTask(thing.status);
  return task ? oneTaskLines(task, events, options) : [];
}
