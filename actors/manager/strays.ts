/**
 * Strays: live tasks of workers that the records do not know, because the store has lost them (losses.ts). They are never stopped by
 * the manager itself, and their slots get no second container. Where enough is known of one its record is rebuilt: from what the
 * worker holds of it, and from its container's labels.
 */
import { slotName } from '../../src/core/ids.ts';
import type { JobRecord } from '../../src/core/job.ts';
import { counted, listed } from '../../src/core/text.ts';
import { hashesOf, specHash } from '../../src/core/spec-hash.ts';
import { isFinal, type Holding, type TaskRecord, type TaskReport } from '../../src/core/task.ts';
import type { WorkerFrame } from '../../src/ports/transport.ts';
import type { Leader } from './leader.ts';
import { mayHaveForgotten } from './losses.ts';
import { moveTask } from './moves.ts';
import { applyReports } from './reports.ts';
import { versionKey } from './state.ts';
import { wantStopped } from './stopping.ts';
import { nameOf, type Stray } from './stray-list.ts';

type Greeting = Extract<WorkerFrame, { type: 'greet' }>;

/** The deadline at which a leader that found a loss begins to make and place tasks. */
export const stockKey = 'stock';

/** Whether a worker may hold tasks that the records have lost. */
export function isForgetful(leader: Leader, { epoch, revision }: Pick<Greeting, 'epoch' | 'revision'>): boolean {
  return revision > leader.ledger.revision || mayHaveForgotten(leader.losses, epoch);
}

/** Begins to wait for what the workers hold, after a loss: what a node has by then is not made or placed a second time. */
export function beginStock(leader: Leader): void {
  const { clock, log } = leader.deps.ambient;
  const { takeoverDownMs } = leader.deps.limits;
  leader.takesStock = true;
  leader.deadlines.set(stockKey, clock.monotonic() + takeoverDownMs);
  log.warn(
    `acknowledged writes are lost (${leader.losses?.why}); for ${takeoverDownMs} ms the nodes are asked what they run before anything is started`,
  );
}

/** The nodes had their time: goes on with what is wanted. */
export function endStock(leader: Leader): void {
  leader.takesStock = false;
  for (const job of leader.state.jobs.keys()) leader.ledger.dirtyJobs.add(job);
  for (const id of leader.state.pending) leader.awaitPlace(leader.state.tasks.get(id)!);
}

/** Takes in what a node holds, before its reports are taken: what the records lost is rebuilt, or kept as it is and told. */
export function takeStock(leader: Leader, greeting: Greeting): void {
  const { strays, state } = leader;
  const node = greeting.facts.id;
  const before = strays.on(node);
  strays.clear(node);
  const isLossy = isForgetful(leader, greeting);
  const adopted = new Set(greeting.adopted);
  for (const found of liveTasks(greeting)) {
    const task = state.tasks.get(found.id);
    if (task === undefined && (isLossy || adopted.has(found.id))) strays.put(found);
    else if (task?.state === 'pending' && isLossy) putBack(leader, task, found);
  }
  for (const stray of strays.on(node)) rebuild(leader, stray);
  if (isLossy) forgetOlder(leader, greeting);
  tell(leader, greeting, new Set(before.map(({ id }) => id)));
  for (const { slot } of before) if (slot !== undefined && strays.ofSlot(slot) === undefined) leader.ledger.dirtyJobs.add(jobOf(slot));
}

function jobOf(slot: string): string {
  return slot.slice(0, slot.indexOf('/'));
}

/** What lives on a node, by its own word. */
function liveTasks({ facts, holds = [], reports, unknown }: Greeting): Stray[] {
  const held = new Map(holds.map((holding) => [holding.id, holding]));
  const live = reports.filter((report) => !isFinal(report));
  const told = new Set(reports.map(({ id }) => id));
  const known = [...live.map(({ id }) => id), ...held.keys()].filter((id, at, all) => all.indexOf(id) === at);
  const reportOf = new Map(live.map((report) => [report.id, report]));
  const of = (id: string): Stray => {
    const holding = held.get(id);
    const slot = holding && slotName(holding.job, holding.task, holding.index);
    return { id, node: facts.id, slot, holding, report: reportOf.get(id) };
  };
  return [
    // One that has ended by its report is not held any more, whatever order is kept of it.
    ...known.filter((id) => reportOf.has(id) || !told.has(id)).map(of),
    ...unknown
      .filter(({ running }) => running)
      .map(({ id, slot }) => ({ id, node: facts.id, slot, holding: undefined, report: undefined })),
  ];
}

/** A task that the records hold for not placed runs on that node: its placement was lost. */
function putBack(leader: Leader, task: TaskRecord, { node, holding }: Stray): void {
  const ports = holding?.ports ?? [];
  place(leader, task, node, ports, 'it runs there, and the store had lost that');
}

function place(leader: Leader, task: TaskRecord, node: string, ports: TaskRecord['ports'], cause: string): TaskRecord {
  const { name, dc } = leader.state.nodes.get(node)!;
  const patch = { node, nodeName: name, dc, ports, scheduledAt: leader.deps.ambient.clock.now(), reason: undefined, reasonCode: undefined };
  const placed = moveTask(leader, task, 'order.schedule', patch, cause);
  leader.ledger.orderTask(placed);
  return placed;
}

/** Whether a job's slot is to get no task now: one may be running that the records do not know. A stray that fits becomes its task. */
export function isHeldBack(leader: Leader, slot: string): boolean {
  if (leader.takesStock) return true;
  const stray = strayIn(leader, slot);
  if (stray) rebuild(leader, stray);
  return stray !== undefined;
}

/** The stray that a slot has to wait for. */
export function strayIn(leader: Leader, slot: string): Stray | undefined {
  const stray = leader.strays.ofSlot(slot);
  // Of a node that is down nobody knows what it runs, and its tasks are replaced like any others.
  return stray && leader.state.nodes.get(stray.node)?.state !== 'down' ? stray : undefined;
}

/** Makes a record of a stray, if its job is known and wants it as it is. */
function rebuild(leader: Leader, stray: Stray): void {
  const { holding, report, id, node } = stray;
  const job = holding && leader.state.jobs.get(holding.job);
  if (!job || !holding) return;
  const version = versionOf(leader, job, holding);
  const spec = job.spec.tasks[holding.task];
  const slot = slotName(holding.job, holding.task, holding.index);
  const others = leader.state.tasksOf(job.name).filter((task) => task.slot === slot && !isFinal(task));
  const isTaken = others.some(({ state }) => state !== 'pending');
  if (version === undefined || spec === undefined || holding.index > spec.count || isTaken) return;
  for (const waiting of others) wantStopped(leader, waiting, `${id.slice(0, 8)} runs for this slot`);
  const task: TaskRecord = {
    id,
    job: job.name,
    task: holding.task,
    index: holding.index,
    slot,
    version,
    specHash: holding.specHash!,
    run: job.run,
    image: leader.state.versions.get(versionKey(job.name, version))?.tasks[holding.task]?.image ?? spec.image,
    state: 'pending',
    health: 'unknown',
    desired: holding.desired,
    ports: [],
    sequence: 0,
    attempt: 0,
    restarts: 0,
    failures: 0,
    createdAt: leader.deps.ambient.clock.now(),
  };
  leader.strays.remove(id);
  const cause = `its record was lost, and is rebuilt from what node ${leader.state.nodes.get(node)?.name} holds`;
  leader.ledger.note({ machine: 'task', id, from: 'none', to: 'pending', event: 'order.create', cause, job: job.name });
  place(leader, task, node, holding.ports, cause);
  if (report) applyReports(leader, node, [report]);
  leader.deps.ambient.log.warn(`${slot}: ${cause}`, { task: id });
}

/** The job's version that a stray was made for, if it is still known and made the same container. */
function versionOf(leader: Leader, job: JobRecord, { task, version, specHash: hash }: Holding): number | undefined {
  if (hash === undefined) return undefined;
  if (job.hashes[task] === hash) return job.version;
  const spec = leader.state.versions.get(versionKey(job.name, version));
  if (spec?.tasks[task] === undefined) return undefined;
  return specHash(spec, task) === hash || hashesOf(spec, job.stamps)[task] === hash ? version : undefined;
}

/** Records of a slot that a stray of the same node has followed: the node has ended and forgotten them, and must not begin them again. */
function forgetOlder(leader: Leader, { facts, reports, holds = [] }: Greeting): void {
  const told = new Set([...reports, ...holds].map(({ id }) => id));
  const live = new Set(holds.map(({ job, task, index }) => slotName(job, task, index)));
  for (const task of leader.state.tasksOn(facts.id)) {
    if (isFinal(task) || told.has(task.id) || !live.has(task.slot)) continue;
    const reason = `node ${facts.name} runs a later task of this slot`;
    moveTask(leader, task, 'node.removed', { finishedAt: leader.deps.ambient.clock.now(), reason }, reason);
  }
}

/** Says which strays there are: aloud for those that are new, with a hint how to be rid of them. */
function tell(leader: Leader, { facts }: Greeting, before: ReadonlySet<string>): void {
  const fresh = leader.strays.on(facts.id).filter(({ id }) => !before.has(id));
  if (fresh.length === 0) return;
  const names = listed(fresh.map(nameOf));
  const cause = `${counted(fresh.length, 'task')} that the records do not know ${fresh.length === 1 ? 'runs' : 'run'} on and ${fresh.length === 1 ? 'is' : 'are'} kept: ${names}`;
  leader.deps.ambient.log.error(`node ${facts.name}: ${cause}; submit the job again to take it over, or \`cube stop\` the task`);
  const state = leader.state.nodes.get(facts.id)!.state;
  leader.ledger.note({ machine: 'node', id: facts.id, from: state, to: state, event: 'strays.found', cause, node: facts.name });
}

/** What a node's reports say of its strays: news of one, or its end. */
export function hearStrays(leader: Leader, reports: readonly TaskReport[]): void {
  for (const report of reports) {
    const stray = leader.strays.get(report.id);
    if (stray === undefined) continue;
    if (!isFinal(report)) leader.strays.put({ ...stray, report });
    else {
      leader.strays.remove(stray.id);
      leader.roomChanged();
      if (stray.slot !== undefined) leader.ledger.dirtyJobs.add(jobOf(stray.slot));
    }
  }
}

/** A user wants a stray stopped. */
export function stopStray(leader: Leader, { id, node, holding, slot }: Stray): void {
  // Of a container without an order no report will come.
  if (holding === undefined) leader.strays.remove(id);
  leader.sessions.sendAll(node, [{ id, verdict: 'stop' }]);
  if (holding === undefined) leader.roomChanged();
  if (holding === undefined && slot !== undefined) leader.ledger.dirtyJobs.add(jobOf(slot));
}

/** A stray as a record, to be shown: it is written nowhere. */
export function strayRecord(leader: Leader, stray: Stray): TaskRecord {
  const { id, node, holding, report, slot = id } = stray;
  const { id: _id, state = 'running', health = 'unknown', ...seen } = report ?? untold(id);
  const [job = '', rest = ''] = slot.split('/');
  const at = rest.lastIndexOf('.');
  const name = leader.state.nodes.get(node)?.name;
  return {
    ...seen,
    id,
    job,
    task: rest.slice(0, Math.max(0, at)),
    index: Number(rest.slice(at + 1)) || 0,
    slot,
    version: holding?.version ?? 0,
    specHash: holding?.specHash ?? '',
    run: 0,
    image: '',
    state,
    health,
    desired: holding?.desired ?? 'running',
    node,
    ...(name === undefined ? {} : { nodeName: name }),
    ports: holding?.ports ?? [],
    failures: 0,
    reason: 'the records do not know it: they were lost',
    createdAt: seen.startedAt ?? 0,
  };
}

function untold(id: string): Pick<TaskReport, 'id' | 'attempt' | 'restarts' | 'sequence'> & Partial<TaskReport> {
  return { id, attempt: 0, restarts: 0, sequence: 0 };
}
