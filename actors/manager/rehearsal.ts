/**
 * Rehearsing a submit: a job's new record is followed on a copy of the cluster, by the code that will follow it when it is submitted:
 * the same reconciling, the same batches, the same scorer. Nothing of the leader's own is changed. What is taken for granted is that
 * every task gets well once it is placed, and that what is told to stop does.
 */
import type { JobRecord } from '../../src/core/job.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { FilterReason, Plan } from '../../src/core/placement.ts';
import { reconcile, type Change } from '../../src/core/reconcile.ts';
import { updateOf } from '../../src/core/rollout.ts';
import type { Slot } from '../../src/core/slots.ts';
import { newTask, underNewTerms } from '../../src/core/submission.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';
import { moveTask } from './moves.ts';
import { drawBatch } from './placing.ts';
import { holdRoom, preempt } from './preempting.ts';
import { standIn, type StandIn } from './stand-in.ts';
import { wantStopped } from './stopping.ts';
import { strayIn } from './strays.ts';
import { takePlan } from './taking.ts';
import { mattersLess } from './versions.ts';

/** What came of it. */
export interface Rehearsal {
  /** The job's slots before anything is done. */
  readonly slots: readonly Slot[];
  /** All that has to be done about them in the end. */
  readonly wanted: readonly Change[];
  /** Tasks of other jobs that have to go for it, and why. */
  readonly victims: readonly { readonly task: TaskRecord; readonly cause: string }[];
  /** A slot's new record by the slot's name, as it is at the end. */
  made(slot: string): TaskRecord | undefined;
  /** A record as it is at the end. */
  record(id: string): TaskRecord | undefined;
  /** Whether a record found its place only when others had stopped. */
  waited(id: string): boolean;
  /** Why a record has no place, if none was found. */
  whyNot(id: string): readonly FilterReason[] | undefined;
}

/** The stand-in, and what is followed on it. */
interface Stage extends StandIn {
  readonly follows: boolean;
  /** Names of the job, and of those that lose tasks to it. */
  readonly followed: Set<string>;
  readonly limits: Limits;
  readonly now: number;
  /** Tasks that others of the job wait for until they have completed. */
  readonly awaited: ReadonlySet<string>;
  /** Ids of new records by slot. */
  readonly made: Map<string, string>;
  readonly unplaced: Map<string, readonly FilterReason[]>;
  readonly victims: { readonly task: TaskRecord; readonly cause: string }[];
  /** When a task was told to stop, as text: those told together, of one task of a job or for one need, stop together. */
  readonly toldAt: Map<string, string>;
  readonly stepsMax: number;
}

/** Steps before the first update begins and after the last has ended: what is missing comes, what is too much goes. */
const stepsAround = 10;

/**
 * Follows a job on a copy of the cluster until nothing is left to do.
 * @param follows whether the job's slots are brought in line with it; else only what waits is given its place
 */
export async function rehearse(leader: Leader, job: JobRecord, follows: boolean): Promise<Rehearsal> {
  const { limits, ambient } = leader.deps;
  const now = ambient.clock.now();
  // The job's own are asked for again, so that it can be said why they wait.
  const copy = standIn(leader, (task) => task.job === job.name);
  const { state } = copy;
  const known = state.jobs.get(job.name);
  state.putJob(job);
  if (known !== undefined && mattersLess(job.spec, known.spec)) copy.leader.roomChanged();
  for (const task of state.tasksOf(job.name)) {
    const kept = underNewTerms(job, task);
    if (kept) state.putTask(kept);
  }
  const slotList = state.slotsOf(job);
  const slots = [...slotList.slots];
  // Without a bound on what is replaced at once: all that will have its turn.
  const wanted = follows ? reconcile(foreseen(job, limits, Number.POSITIVE_INFINITY), slots, slotList.extra, now, limits) : [];
  const stepsMax = Math.max(1, Math.min(limits.planStepsMax, Math.floor(limits.planLooksMax / Math.max(1, slots.length))));
  state.putJob(foreseen(job, limits, parallelFor(job, slots, stepsMax, limits)));
  const stage: Stage = {
    ...copy,
    follows,
    followed: new Set(follows ? [job.name] : []),
    limits,
    now,
    awaited: new Set(
      Object.values(job.spec.tasks).flatMap(({ dependsOn = {} }) => Object.keys(dependsOn).filter((on) => dependsOn[on] === 'completed')),
    ),
    made: new Map(),
    unplaced: new Map(),
    victims: [],
    toldAt: new Map(),
    stepsMax,
  };
  for (const task of state.tasksOf(job.name)) if (holdsNode(task) && task.desired === 'stopped') stage.told.add(task.id);
  // An update takes two steps at most, the old one ends, the new one runs; while one waits for room the others end one by one.
  for (let step = 0; step < 4 * stepsMax + stepsAround; step++) {
    const decided = decideAll(stage, step);
    const placed = await placeAll(stage);
    const settled = settle(stage);
    if (!decided && !placed && !settled) break;
  }
  return {
    slots,
    wanted,
    victims: stage.victims,
    made: (slot) => state.tasks.get(stage.made.get(slot) ?? ''),
    record: (id) => state.tasks.get(id),
    waited: (id) => stage.unplaced.has(id) && state.tasks.get(id)?.node !== undefined,
    whyNot: (id) => (state.tasks.get(id)?.state === 'pending' ? stage.unplaced.get(id) : undefined),
  };
}

/** A job all of whose instances get well at once, and whose canaries are found good; so many are replaced at once. */
function foreseen(job: JobRecord, limits: Limits, parallel: number): JobRecord {
  const update = { ...updateOf(job.spec, limits), healthyForMs: 0, canary: 0, parallel };
  const { deployment } = job;
  const rolling = deployment && { deployment: { ...deployment, state: 'rolling' as const, promoted: true as const } };
  return { ...job, spec: { ...job.spec, update }, ...rolling };
}

/** How many slots are replaced at once: as the manager does, but more where its way would take too many steps to follow. */
function parallelFor(job: JobRecord, slots: readonly Slot[], stepsMax: number, limits: Limits): number {
  const updates = slots.reduce((count, slot) => count + (slot.outdated.length > 0 ? 1 : 0), 0);
  return Math.max(updateOf(job.spec, limits).parallel, Math.ceil(updates / stepsMax));
}

function decideAll(stage: Stage, step: number): boolean {
  const jobs = [...stage.followed].flatMap((name) => stage.state.jobs.get(name) ?? []);
  return jobs.filter((job) => decide(stage, job, step)).length > 0;
}

/** Does what a job wants next. @returns whether it wanted something */
function decide({ state, limits, now, leader, made, toldAt }: Stage, job: JobRecord, step: number): boolean {
  for (let turn = 0; ; turn++) {
    const { slots, extra } = state.slotsOf(job);
    const changes = reconcile(job, slots, extra, now, limits).filter(
      (change) => change.kind === 'stop' || strayIn(leader, change.slot.name) === undefined,
    );
    if (changes.length === 0) return turn > 0;
    for (const change of changes) {
      if (change.kind === 'stop') {
        wantStopped(leader, change.task, change.reason);
        toldAt.set(change.task.id, `${step} ${change.task.job}/${change.task.task}`);
        continue;
      }
      const task = newTask(job, change, `${change.slot.name} planned ${step}.${turn}`, now + step);
      made.set(change.slot.name, task.id);
      state.putTask(task);
      leader.awaitPlace(task);
    }
  }
}

/** Places all that waits, tasks of other jobs too: they may come first. @returns whether anything came of it */
async function placeAll(stage: Stage): Promise<boolean> {
  const { leader, state, unplaced, told, wantsPlacing, follows } = stage;
  let moved = false;
  while (wantsPlacing()) {
    const request = drawBatch(leader);
    holdRoom(leader, request);
    const isEmpty = request.groups.length === 0;
    const plan = isEmpty ? { placements: [], unplaced: [], cursor: request.cursor } : await leader.deps.scorer.score(request);
    for (let rest: Plan | undefined = plan; rest !== undefined;) rest = takePlan(leader, rest);
    for (const { task, reasons } of plan.unplaced) unplaced.set(task, reasons);
    const before = told.size;
    if (follows) preempt(leader);
    noteVictims(stage, [...told].slice(before));
    moved ||= told.size > before || plan.placements.some(({ task }) => state.tasks.get(task)?.state !== 'pending');
  }
  return moved;
}

function noteVictims({ state, causes, victims, toldAt, followed }: Stage, ids: readonly string[]): void {
  for (const id of ids) {
    const task = state.tasks.get(id)!;
    victims.push({ task, cause: causes.get(id) ?? task.reason ?? '' });
    toldAt.set(id, `with ${ids[0]}`);
    followed.add(task.job);
  }
}

/**
 * Time passes: what was placed runs and is well, what was told to stop has stopped. While a task waits for room they stop one by one,
 * since each end is a chance for those that wait longest. @returns whether anything changed
 */
function settle({ leader, state, told, toldAt, followed, stepsMax, awaited, now }: Stage): boolean {
  const live = [...followed].flatMap((name) => state.tasksOf(name)).filter((task) => holdsNode(task) && task.state !== 'unreachable');
  const starting = live.filter((task) => task.desired === 'running' && (task.state !== 'running' || task.health !== 'healthy'));
  for (const task of starting) {
    const runs: TaskRecord = { ...task, state: 'running', health: 'healthy', startedAt: now, stateAt: now };
    state.putTask(runs);
    const isAwaited = awaited.has(task.task) || state.jobs.get(task.job)?.spec.parallelism !== undefined;
    if (isAwaited) moveTask(leader, runs, 'report.completed', {}, 'others wait for it to complete');
  }
  const ending = [...told].flatMap((id) => state.tasks.get(id) ?? []).filter((task) => holdsNode(task) && task.state !== 'unreachable');
  const waits = [...leader.parked].some((id) => state.pending.has(id) && followed.has(state.tasks.get(id)!.job));
  const [first] = ending;
  for (const [at, task] of ending.entries()) {
    if (waits && at >= ending.length / stepsMax && toldAt.get(task.id) !== toldAt.get(first!.id)) break;
    moveTask(leader, task, 'report.stopped', {}, 'it has stopped');
  }
  return ending.length + starting.length > 0;
}
