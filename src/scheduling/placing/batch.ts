/**
 * A batch as it crosses to a scoring thread: numbers in typed arrays, and what many tasks have in common (where they may go) once. It
 * crosses once, and what comes back are rows and scores: 10,000 different tasks must not become 10,000 objects twice.
 */
import type { Constraint } from '../../core/constraint.ts';
import type {
  Ask,
  FilterReason,
  NodeColumns,
  Placement,
  Plan,
  PolicyName,
  ScoreRequest,
  TaskGroup,
  Unplaced,
} from '../../core/placement.ts';
import type { PortBinding } from '../../core/task.ts';
import { amountOf } from '../node-table.ts';

/** What tasks ask besides room: where they may go, and where they would rather. */
export interface Where {
  readonly ask: Pick<Ask, 'datacenters' | 'ports' | 'onNode' | 'spread' | 'maxPerNode' | 'dataOn' | 'mounts' | 'features'>;
  readonly constraints: readonly Constraint[];
  readonly affinity: readonly Constraint[];
  /** Row of the only node allowed; -1 when it is not there. */
  readonly onRow: number;
  /** Row of the node that has the data of the slot; -1 when it is not there. */
  readonly dataRow: number;
  readonly avoid: readonly number[];
}

/** The settings of a run. */
export type Settings = Pick<ScoreRequest, 'policy' | 'epvmBase' | 'affinityWeight' | 'spreadWeight' | 'cursor' | 'reasonsMax'>;

/** Groups of tasks, the first one first. */
export interface Batch extends Settings {
  readonly policy: PolicyName;
  /** A row a group, a column a resource as in the node columns. */
  readonly amounts: Float64Array;
  readonly counts: Int32Array;
  /** By group: a place in `wheres`. */
  readonly whereOf: Int32Array;
  readonly wheres: readonly Where[];
  /** By group, where it matters: row, count, row, count: tasks of the kind there are already. */
  readonly mates: ReadonlyMap<number, Int32Array>;
  /** By group: the number of its kind. */
  readonly kinds: Int32Array;
  /** By group that asks for ports: its tasks, by whom ports are told apart. */
  readonly named: ReadonlyMap<number, TaskGroup['tasks']>;
}

/** What became of a batch. Tasks are counted over all groups. */
export interface Outcome {
  /** By task; -1: not placed. */
  readonly rows: Int32Array;
  readonly scores: Float64Array;
  /** By task that asked for some. */
  readonly ports: ReadonlyMap<number, readonly PortBinding[]>;
  /** By group of which not all were placed. */
  readonly reasons: ReadonlyMap<number, readonly FilterReason[]>;
  readonly cursor: number;
}

/** A request, made ready to cross. */
export interface Encoded {
  readonly columns: NodeColumns;
  readonly batch: Batch;
}

/** Conditions of the same words ask for the same. */
function textOf(constraints: readonly Constraint[] | undefined): string {
  let text = '';
  for (const constraint of constraints ?? none) text += `${constraint.text}\n`;
  return text;
}

const none: readonly Constraint[] = [];

function keyOf(ask: Ask): string {
  const { datacenters, ports, onNode, avoid, constraints, affinity, spread, maxPerNode } = ask;
  const plain = onNode === undefined && spread === undefined && ports.length === 0 && (avoid === undefined || avoid.length === 0);
  const lists = `${datacenters.length === 0 ? '' : datacenters.join(',')} ${maxPerNode ?? ''} ${textOf(constraints)} ${textOf(affinity)}`;
  const { dataOn, mounts, features } = ask;
  const stored =
    dataOn === undefined && mounts === undefined && features === undefined ? [] : [dataOn ?? null, mounts ?? null, features ?? null];
  return plain && stored.length === 0 ? lists : `${lists} ${JSON.stringify([onNode, spread, ports, avoid, ...stored])}`;
}

function whereOf(ask: Ask, { table }: ScoreRequest): Where {
  const { datacenters, ports, onNode, spread, maxPerNode, dataOn, mounts, features, avoid = [], constraints = [], affinity = [] } = ask;
  return {
    ask: { datacenters, ports, onNode, spread, maxPerNode, dataOn, mounts, features },
    constraints,
    affinity,
    onRow: onNode === undefined ? -1 : table.rowNamed(onNode),
    dataRow: dataOn === undefined ? -1 : table.rowOf(dataOn.node),
    avoid: avoid.map((id) => table.rowOf(id)).filter((row) => row >= 0),
  };
}

/** The attributes a place's conditions look at. */
function* attributesOf({ ask, constraints, affinity }: Where): Generator<string> {
  for (const { attribute } of [...constraints, ...affinity]) yield attribute;
  if (ask.spread !== undefined) yield ask.spread;
  if (ask.mounts !== undefined) yield 'mounts';
  if (ask.features !== undefined) yield 'features';
}

/** Makes a request ready to cross. */
export function encode(request: ScoreRequest): Encoded {
  const { table, groups, policy, epvmBase, affinityWeight, spreadWeight, cursor, reasonsMax } = request;
  const { wheres, whereOfGroup } = wheresOf(request);
  const custom = new Set<string>();
  for (const { ask } of groups) for (const name in ask.resources.custom) custom.add(name);
  const attributes = new Set(['datacenter', ...wheres.flatMap((where) => [...attributesOf(where)])]);
  const columns = table.columns(attributes, custom);
  const width = columns.resources.length;
  const amounts = new Float64Array(groups.length * width);
  const counts = new Int32Array(groups.length);
  const mates = new Map<number, Int32Array>();
  const named = new Map<number, TaskGroup['tasks']>();
  for (let at = 0; at < groups.length; at++) {
    const { ask, tasks, mates: before } = groups[at]!;
    counts[at] = tasks.length;
    for (let column = 0; column < width; column++) {
      const name = columns.resources[column]!;
      amounts[at * width + column] = name === 'slots' ? 1 : amountOf(ask.resources, name);
    }
    if (ask.ports.length > 0) named.set(at, tasks);
    if (before === undefined) continue;
    const pairs = Object.entries(before).flatMap(([id, count]) => (table.rowOf(id) < 0 ? [] : [table.rowOf(id), count]));
    if (pairs.length > 0) mates.set(at, Int32Array.from(pairs));
  }
  const settings = { policy, epvmBase, affinityWeight, spreadWeight, cursor, reasonsMax };
  return { columns, batch: { ...settings, amounts, counts, whereOf: whereOfGroup, wheres, mates, kinds: kindsOf(groups), named } };
}

/** What groups ask besides room, each once. */
function wheresOf(request: ScoreRequest): { readonly wheres: Where[]; readonly whereOfGroup: Int32Array } {
  const { groups } = request;
  const wheres: Where[] = [];
  const places = new Map<string, number>();
  const whereOfGroup = new Int32Array(groups.length);
  for (let at = 0; at < groups.length; at++) {
    const { ask } = groups[at]!;
    const key = keyOf(ask);
    let place = places.get(key);
    if (place === undefined) places.set(key, (place = wheres.push(whereOf(ask, request)) - 1));
    whereOfGroup[at] = place;
  }
  return { wheres, whereOfGroup };
}

/** A number for each kind; a group that names none is a kind of its own. */
function kindsOf(groups: readonly TaskGroup[]): Int32Array {
  const numbers = new Map<string, number>();
  const kinds = new Int32Array(groups.length);
  for (let at = 0; at < groups.length; at++) {
    const { kind } = groups[at]!;
    kinds[at] = kind === undefined ? at : (numbers.get(kind) ?? at);
    if (kind !== undefined && kinds[at] === at) numbers.set(kind, at);
  }
  return kinds;
}

/** The plan that an outcome means. */
export function decode({ groups }: ScoreRequest, { ids }: Pick<NodeColumns, 'ids'>, outcome: Outcome): Plan {
  const placements: Placement[] = [];
  const unplaced: Unplaced[] = [];
  let at = 0;
  for (const [group, { tasks }] of groups.entries()) {
    for (const { id, slot } of tasks) {
      const row = outcome.rows[at]!;
      if (row >= 0) placements.push({ task: id, node: ids[row]!, score: outcome.scores[at]!, ports: outcome.ports.get(at) ?? noPorts });
      else unplaced.push({ task: id, slot, reasons: outcome.reasons.get(group)! });
      at++;
    }
  }
  return { placements, unplaced, cursor: outcome.cursor };
}

const noPorts: readonly PortBinding[] = [];
