/** `plan`: what a submit would do, where each task would go, and why. Decided by a rehearsal; here it is put into words. */
import type { JobPlan, PlannedChange, UnplacedSlot } from '../../src/core/job-plan.ts';
import type { JobRecord, JobSpec, TaskSpec } from '../../src/core/job.ts';
import { Dependencies } from '../../src/core/dependencies.ts';
import { orderOf } from '../../src/core/rollout.ts';
import { isDormant } from '../../src/core/ticks.ts';
import { isDone, isStuck, type Slot } from '../../src/core/slots.ts';
import { pathsThatDiffer, specDiff } from '../../src/core/spec-diff.ts';
import { madeFrom } from '../../src/core/spec-hash.ts';
import type { SubmitChange } from '../../src/core/submission.ts';
import { listed } from '../../src/core/text.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import type { SubmitRequest } from '../../src/ports/control.ts';
import type { FoundImages } from './digests.ts';
import { submissionOf } from './jobs.ts';
import type { Leader } from './leader.ts';
import { rehearse, type Rehearsal } from './rehearsal.ts';
import { versionKey } from './state.ts';
import { warningsOf } from './warnings.ts';

/** What the words are about. */
interface Subject {
  readonly leader: Leader;
  readonly known: JobRecord | undefined;
  readonly job: JobRecord;
  readonly change: SubmitChange;
  readonly rehearsal: Rehearsal;
  readonly toChange: ReadonlySet<string>;
  /** Tasks of the job itself that lose their place to another job, by id, and why. */
  readonly losses: ReadonlyMap<string, Rehearsal['victims'][number]>;
  /** Specs of the versions that the job's tasks were made from, as they were when the plan began. */
  readonly specOf: (task: TaskRecord) => JobSpec | undefined;
}

/** What a submit would do now. Nothing is changed. @param found what its images stand for now, where that counts @throws CubeError `conflict` where the submit would */
export async function planJob(leader: Leader, request: SubmitRequest, found?: FoundImages): Promise<JobPlan> {
  const { known, change, job } = submissionOf(leader, request, () => leader.index + 1, found?.images);
  const warnings = warningsOf(leader, request, found?.warnings);
  const specs = new Map(leader.state.tasksOf(job.name).map((task) => [task.id, jobSpecOf(leader, known, task)]));
  const specOf = (task: TaskRecord): JobSpec | undefined => specs.get(task.id);
  const rehearsal = await rehearse(leader, job, change !== 'unchanged');
  const isOwn = ({ task }: Rehearsal['victims'][number]): boolean => task.job === job.name;
  const losses = new Map(rehearsal.victims.filter(isOwn).map((victim) => [victim.task.id, victim]));
  const subject: Subject = { leader, known, job, change, rehearsal, toChange: slotsToChange(rehearsal), losses, specOf };
  // What rests has no tasks until its tick, or its dispatch.
  const slots = isDormant(job) ? [] : rehearsal.slots.map((slot) => slotChange(subject, slot));
  return {
    index: known?.index ?? 0,
    job: job.name,
    change,
    changes: [...slots, ...surplus(subject)],
    unplaced: rehearsal.slots.flatMap((slot) => unplaced(subject, slot)),
    preempted: rehearsal.victims
      .filter((victim) => !isOwn(victim))
      .map(({ task, cause }) => ({ slot: task.slot, node: task.nodeName ?? null, reason: cause })),
    diff: specDiff(known?.spec, job.spec),
    warnings: [...warnings, ...underWay(known, change)],
  };
}

/** What a user should know who is told that nothing would change: a deployment has not got there yet. */
function underWay(known: JobRecord | undefined, change: SubmitChange): string[] {
  const { deployment } = known ?? {};
  if (known === undefined || deployment === undefined || change !== 'unchanged') return [];
  const { version, state, updated, reason } = deployment;
  const says = {
    rolling: `is under way: ${updated} updated`,
    awaitingPromotion: `waits for \`cube promote ${known.name}\``,
    paused: `is paused: ${reason ?? 'an instance failed'}`,
    failed: `has failed: ${reason ?? 'no reason is known'}`,
  };
  return state in says ? [`the deployment of version ${version} ${says[state as keyof typeof says]}`] : [];
}

/** The spec of the job's version that a task's container was made from. */
function jobSpecOf(leader: Leader, known: JobRecord | undefined, task: TaskRecord): JobSpec | undefined {
  if (known?.hashes[task.task] === task.specHash) return known.spec;
  return leader.state.versions.get(versionKey(task.job, task.version));
}

function taskIn(spec: JobSpec, task: string): TaskSpec | undefined {
  return Object.hasOwn(spec.tasks, task) ? spec.tasks[task] : undefined;
}

function slotChange(subject: Subject, slot: Slot): PlannedChange {
  const { rehearsal } = subject;
  const made = rehearsal.made(slot.name);
  // Of several the one that runs: another may wait since an update that was overtaken.
  const old = slot.outdated.find((task) => task.node !== undefined) ?? slot.outdated[0];
  // What has not come to its turn waits for one that found no place.
  if (old && (made || subject.toChange.has(slot.name))) {
    const reason = [
      outdatedText(subject, slot, old),
      orderText(subject, slot, made),
      made ? pickText(subject, made) : 'waits for its turn',
    ].join('; ');
    return { action: 'update', slot: slot.name, ...placeOf(subject, made), from: old.nodeName ?? null, reason };
  }
  const loss = slot.current.map(({ id }) => subject.losses.get(id)).find((found) => found !== undefined);
  if (made && loss) {
    const reason = [loss.cause, pickText(subject, made)].join('; ');
    return { action: 'update', slot: slot.name, ...placeOf(subject, made), from: loss.task.nodeName ?? null, reason };
  }
  if (made)
    return { action: 'place', slot: slot.name, ...placeOf(subject, made), reason: `${gapText(subject, slot)}; ${pickText(subject, made)}` };
  return keep(subject, slot);
}

/** Slots about which anything is to be done in the end. */
function slotsToChange({ wanted }: Rehearsal): Set<string> {
  return new Set(wanted.map((change) => (change.kind === 'create' ? change.slot.name : change.task.slot)));
}

function placeOf({ rehearsal, job }: Subject, made: TaskRecord | undefined): Pick<PlannedChange, 'node' | 'score' | 'waits'> {
  if (made?.nodeName === undefined) return { node: null };
  const { nodeName, score, id } = made;
  // What has to wait for its turn goes where there is room then.
  const waits = rehearsal.waited(id) || (job.spec.parallelism ?? Number.POSITIVE_INFINITY) < rehearsal.slots.length;
  return { node: nodeName, ...(score === undefined ? {} : { score }), ...(waits ? { waits: true } : {}) };
}

/** Why a slot's task has to be replaced: what its container is made from differs, or it may not be where it is. */
function outdatedText({ job, specOf }: Subject, slot: Slot, old: TaskRecord): string {
  if (old.specHash === slot.specHash) return `it may not run on ${old.nodeName} any more`;
  const before = specOf(old);
  if (before === undefined || taskIn(before, slot.task) === undefined) return `it is of version ${old.version}`;
  const made = pathsThatDiffer(madeFrom(before, slot.task), madeFrom(job.spec, slot.task));
  if (made.length === 0) return 'what its image, its secrets or its configs stand for has changed, or a restart was asked for';
  // Of a check only counts whether there is one.
  const paths = made.map((path) => (path === 'imageCheck' ? 'health' : path));
  return `${listed(paths)} ${paths.length === 1 ? 'differs' : 'differ'}`;
}

/** Which of a slot's two tasks comes first, and why not the new one. */
function orderText({ job, rehearsal }: Subject, slot: Slot, made: TaskRecord | undefined): string {
  const order = orderOf(slot, job.spec);
  if (order === 'start-first' || (order === 'if-room' && !(made && rehearsal.waited(made.id)))) return 'the new one starts first';
  const fixed = slot.spec.ports.find((port) => port.host !== undefined);
  const volume = slot.spec.volumes?.[0];
  const why = volume ? `, for its volume ${volume.name ?? volume.hostPath}` : fixed ? `, for host port ${fixed.host}` : '';
  return `the old one stops first${order === 'if-room' && !fixed ? ', since there is no room for both' : why}`;
}

/** Why a slot has no task that could go on. */
function gapText({ known, change, job }: Subject, slot: Slot): string {
  if (known === undefined) return 'the job is new';
  if (slot.live.some((task) => task.state === 'unreachable')) return 'its node is out of reach';
  if (slot.live.length > 0) return 'its task is being stopped';
  if (known.stopWanted) return 'the job was stopped';
  const before = taskIn(known.spec, slot.task);
  if (before === undefined) return 'the task is new';
  if (slot.index > before.count) return 'one instance more';
  return change === 'started' ? 'it starts again' : `nothing runs for it in version ${job.version}`;
}

function pickText({ leader, rehearsal }: Subject, made: TaskRecord): string {
  if (made.nodeName === undefined) return 'no node can take it now';
  const when = rehearsal.waited(made.id) ? ' once others have stopped' : '';
  return `${made.nodeName} is the best by ${leader.deps.policy}${when}`;
}

function keep({ rehearsal, job, known }: Subject, slot: Slot): PlannedChange {
  const { name, shown } = slot;
  const now = shown === undefined ? undefined : (rehearsal.record(shown.id) ?? shown);
  const kept = { action: 'keep', slot: name, node: now?.nodeName ?? null } as const;
  if (shown === undefined) {
    const wait = new Dependencies(job, rehearsal.slots).waitOf(slot);
    const { parallelism } = job.spec;
    const turn = parallelism === undefined ? 'until the nodes have told what they run' : `for its turn: ${parallelism} run at once at most`;
    return { ...kept, reason: wait ?? `it waits ${turn}` };
  }
  if (isDone(slot)) return { ...kept, reason: 'it has completed' };
  if (isStuck(slot, job)) return { ...kept, reason: `it has ended for good: ${shown.reason ?? shown.state}` };
  if (slot.outdated.length > 0) return { ...kept, reason: 'its update is under way' };
  if (shown.state === 'pending')
    return { ...kept, reason: now?.nodeName ? 'it waits to be placed' : 'it waits, and no node can take it now' };
  const before = known && taskIn(known.spec, slot.task);
  const terms = before === undefined ? [] : pathsThatDiffer(before, slot.spec).filter((path) => path !== 'count');
  if (terms.length > 0) return { ...kept, reason: `its container stays; new ${listed(terms)}` };
  return { ...kept, reason: 'nothing about it changes' };
}

/** Tasks of slots that the job does not ask for any more. */
function surplus({ rehearsal, job }: Subject): PlannedChange[] {
  const own = new Set(rehearsal.slots.map(({ name }) => name));
  const changes = new Map<string, PlannedChange>();
  for (const change of rehearsal.wanted) {
    if (change.kind !== 'stop' || own.has(change.task.slot)) continue;
    const { slot, task, nodeName } = change.task;
    const reason = taskIn(job.spec, task) === undefined ? `the job has no task "${task}" any more` : change.reason;
    changes.set(slot, { action: 'stop', slot, node: nodeName ?? null, reason });
  }
  return [...changes.values()];
}

/** Why the task that a slot would get, or the one that waits there, has no place. */
function unplaced({ rehearsal }: Subject, { name, shown }: Slot): UnplacedSlot[] {
  const id = rehearsal.made(name)?.id ?? shown?.id;
  const reasons = id === undefined ? undefined : rehearsal.whyNot(id);
  return reasons === undefined ? [] : [{ slot: name, reasons }];
}
