/** Preempting: tasks that found no place get one at the cost of tasks that matter less, and hold it until they are there. */
import type { NodeView, ScoreRequest } from '../../src/core/placement.ts';
import { counted } from '../../src/core/text.ts';
import { noResources } from '../../src/core/resources.ts';
import { holdsNode, type TaskRecord } from '../../src/core/task.ts';
import { Rooms, type Applicant, type Preemption } from '../../src/scheduling/preempt.ts';
import { withClaim, type Victim } from '../../src/scheduling/preempt/room.ts';
import { recheck } from '../../src/scheduling/recheck.ts';
import type { Leader } from './leader.ts';
import { nodeView, tableOf } from './node-views.ts';
import { byTurn } from './placing.ts';
import { askOf, matesOf } from './task-asks.ts';
import { wantStopped } from './stopping.ts';

/** Victims named in a reason; the others are counted. */
const victimsNamedMax = 3;

/**
 * Looks for room for the tasks that found none, those first whose turn is first. Nothing is remembered but where a task's room is being
 * made: whoever is leaving counts as room to come, so that nobody is preempted twice for one need.
 */
export function preempt(leader: Leader): void {
  const { state, deps, parked } = leader;
  const waiting = [...parked].flatMap((id) => state.tasks.get(id) ?? []).filter(mayPreempt(leader));
  if (waiting.length === 0) return;
  const rooms = new Rooms(tableOf(leader), (node) => victimsOn(leader, node), deps.limits);
  for (const task of waiting.sort(byTurn(leader)).slice(0, deps.limits.preemptTasksMax)) {
    const held = task.roomOn === undefined ? undefined : state.nodes.get(task.roomOn);
    // It will be heard again, or be down soon; only then is there a reason to look elsewhere.
    if (held && held.state !== 'ready' && held.state !== 'down') continue;
    const applicant = applicantOf(leader, task);
    const found = rooms.find(applicant);
    if (found) {
      rooms.promise(found, applicant);
      take(leader, task, applicant, found);
    } else if (task.roomOn !== undefined) {
      const { roomOn: former, ...rest } = task;
      leader.ledger.putTask(rest);
      leader.roomChanged(former);
    }
  }
}

/** Whether there may be anybody whom a waiting task may preempt: in most clusters all jobs have one priority. */
function mayPreempt({ state }: Leader): (task: TaskRecord) => boolean {
  let least = Number.POSITIVE_INFINITY;
  const yielding = new Set<number>();
  for (const { spec } of state.jobs.values()) {
    least = Math.min(least, spec.priority);
    if (spec.preemptible) yielding.add(spec.priority);
  }
  return (task) => {
    const spec = state.jobs.get(task.job)?.spec;
    if (spec === undefined || task.state !== 'pending' || task.desired !== 'running') return false;
    return task.roomOn !== undefined || spec.priority > least || (!spec.preemptible && yielding.has(spec.priority));
  };
}

function kindOf({ job, task }: TaskRecord): string {
  return `${job}/${task}`;
}

function victimsOn({ state }: Leader, node: string): Victim[] {
  return state.tasksOn(node).flatMap((task) => {
    if (!holdsNode(task)) return [];
    const spec = state.jobs.get(task.job)?.spec;
    const { id, slot, ports, createdAt } = task;
    return {
      id,
      slot,
      kind: kindOf(task),
      // A task whose job is not known is nobody's to stop.
      priority: spec?.priority ?? Number.POSITIVE_INFINITY,
      preemptible: spec?.preemptible ?? false,
      resources: state.specOf(task)?.resources ?? noResources,
      ports,
      leaving: task.desired === 'stopped',
      createdAt,
    };
  });
}

function applicantOf(leader: Leader, task: TaskRecord): Applicant {
  const spec = leader.state.jobs.get(task.job)?.spec;
  return {
    slot: task.slot,
    kind: kindOf(task),
    ask: askOf(leader, task),
    priority: spec?.priority ?? 0,
    preemptible: spec?.preemptible ?? false,
    ...(task.roomOn === undefined ? {} : { roomOn: task.roomOn }),
  };
}

function take(leader: Leader, task: TaskRecord, { slot, priority }: Applicant, { node, victims, leaving }: Preemption): void {
  // There is room already: it is held for somebody whose turn is first, or the next batch will see it.
  if (victims.length + leaving === 0) return;
  const { name } = leader.state.nodes.get(node)!;
  for (const { id } of victims) {
    const victim = leader.state.tasks.get(id);
    if (victim) wantStopped(leader, victim, `preempted by ${slot} (priority ${priority})`);
  }
  const reason =
    victims.length > 0
      ? `waits for room on ${name}: preempts ${namesOf(victims)}`
      : `waits for ${counted(leaving, 'task')} to stop on ${name}`;
  if (task.reason !== reason || task.roomOn !== node) leader.ledger.putTask({ ...task, reason, roomOn: node });
  if (task.roomOn !== undefined && task.roomOn !== node) leader.roomChanged(task.roomOn);
}

function namesOf(victims: readonly Victim[]): string {
  const named = victims.slice(0, victimsNamedMax).map(({ slot, priority }) => `${slot} (priority ${priority})`);
  const rest = victims.length - named.length;
  return [...named, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

/**
 * Shows the scheduler the room that is being made as taken, until all of it is there: else tasks of lower priority would take it piece by
 * piece. To be called just before a batch is scored.
 */
export function holdRoom(leader: Leader, { groups }: Pick<ScoreRequest, 'groups'>): void {
  const { state } = leader;
  const waiting = [...state.pending].flatMap((id) => state.tasks.get(id) ?? []).filter((task) => task.roomOn && task.desired === 'running');
  if (waiting.length === 0) return;
  const table = tableOf(leader);
  const drawn = new Set(groups.flatMap(({ tasks }) => tasks.map(({ id }) => id)));
  /** With the room of all whose turn came, and as it is shown: who fits now takes it in this batch. */
  const views = new Map<string, { all: NodeView; shown: NodeView }>();
  for (const task of waiting.sort(byTurn(leader))) {
    const id = task.roomOn!;
    const node = state.nodes.get(id);
    if (!node) continue;
    const { all, shown } = views.get(id) ?? { all: nodeView(leader, node), shown: nodeView(leader, node) };
    const ask = askOf(leader, task);
    const fitsNow = drawn.has(task.id) && recheck(all, ask, [], matesOf(leader, task, ask)?.[id]) === undefined;
    views.set(id, { all: withClaim(all, ask, task.slot), shown: fitsNow ? shown : withClaim(shown, ask, task.slot) });
  }
  for (const [id, { shown }] of views) {
    table.put(shown);
    // As it is again for all that is asked later.
    state.touched.add(id);
  }
}
