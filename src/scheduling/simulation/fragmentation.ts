/**
 * Fragmentation: how much of what is idle on a node the load cannot use. What a load is made of (its mix) is known, so it can be counted:
 * for each kind of task, what of the node's idle devices no such task could use, averaged over the mix.
 *
 * Source of the idea and of `fgd`: Weng, Yang, Yu, Wang, Tang, Yang, Zhang, "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with
 * Fragmentation Gradient Descent", USENIX ATC 2023.
 */
import { parts } from './model.ts';
import type { Kind, Scene } from './model.ts';
import { hasRoom } from './node-state.ts';
import type { NodeState } from './node-state.ts';

/** A kind of task and how much of the load it is, from 0 to 1. */
interface Part {
  readonly kind: Kind;
  readonly weight: number;
}

/** The kinds that ask for the scarce resource, with weights that add up to 1; and the share of the load that does not ask for it. */
export interface Mix {
  readonly parts: readonly Part[];
  readonly others: number;
  readonly scarce: number;
  /** Whether the scarce resource comes in devices. */
  readonly devices: boolean;
}

/** Kinds in a mix at most: what is worked out for each state and task goes through all of them. */
const mixKindsMax = 256;

/** As many of the kinds, taken evenly from the tasks one by one: a common kind is taken several times. */
function sampleOf(kinds: readonly Kind[], count: number): readonly Part[] {
  const weights = new Map<Kind, number>();
  let [at, passed] = [0, kinds[0]!.count];
  for (let taken = 0; taken < mixKindsMax; taken++) {
    while (((taken + 0.5) * count) / mixKindsMax >= passed) passed += kinds[++at]!.count;
    weights.set(kinds[at]!, (weights.get(kinds[at]!) ?? 0) + 1 / mixKindsMax);
  }
  return Array.from(weights, ([kind, weight]) => ({ kind, weight }));
}

/** The mix of a load; of a load with very many kinds an even sample. */
export function mixOf({ kinds, scarce, axes, tasks }: Scene): Mix {
  const asking = kinds.filter((kind) => kind.amounts[scarce]! > 0);
  const count = asking.reduce((sum, kind) => sum + kind.count, 0);
  return {
    parts: asking.length > mixKindsMax ? sampleOf(asking, count) : asking.map((kind) => ({ kind, weight: kind.count / count })),
    others: tasks.length === 0 ? 0 : 1 - count / tasks.length,
    scarce,
    devices: scarce === axes.device,
  };
}

/** What is left on devices that have too little for one such task. */
function crumbs({ devices }: NodeState, { share, whole }: Kind): number {
  let sum = 0;
  for (const left of devices) if (left < (whole > 0 ? parts : share)) sum += left;
  return sum;
}

/**
 * The fragmentation of the ATC'23 paper (its F_n over the tasks that ask for the scarce resource): all that is idle where a task finds no
 * room; else what is left on devices too full for it. In the scarce resource's unit.
 */
export function unusable(state: NodeState, mix: Mix): number {
  const idle = state.left[mix.scarce]!;
  let sum = 0;
  for (const { kind, weight } of mix.parts) {
    if (!hasRoom(state, kind)) sum += weight * idle;
    else if (mix.devices) sum += weight * crumbs(state, kind);
  }
  return sum;
}

/** How many more tasks of a kind a node takes, when it gets no others. */
export function copiesOf(state: NodeState, kind: Kind): number {
  const { shape, left, devices, idle } = state;
  const { amounts, share, whole, models } = kind;
  if (models !== undefined && (shape.model === undefined || !models.includes(shape.model))) return 0;
  let copies = shape.slotsMax - state.tasks;
  if (whole > 0) copies = Math.min(copies, Math.floor(idle / whole));
  else if (share > 0) {
    let shares = 0;
    // Fullest first: of those from here on each has room.
    for (let at = devices.length - 1; at >= 0 && devices[at]! >= share; at--) shares += Math.floor(devices[at]! / share);
    copies = Math.min(copies, shares);
  }
  for (let axis = 0; axis < amounts.length && copies > 0; axis++) {
    const amount = amounts[axis]!;
    if (amount > 0) copies = Math.min(copies, Math.floor(left[axis]! / amount));
  }
  return copies;
}

/**
 * The fragmentation that `refill` keeps low: for each kind, what stays idle when the node is filled up with copies of it, and where not one
 * copy has room, all that is idle once more. Averaged over the mix, in the scarce resource's unit.
 */
export function leftAfterRefill(state: NodeState, mix: Mix): number {
  const idle = state.left[mix.scarce]!;
  if (idle === 0) return 0;
  let sum = 0;
  for (const { kind, weight } of mix.parts) {
    const copies = copiesOf(state, kind);
    sum += weight * (copies === 0 ? 2 * idle : idle - copies * kind.amounts[mix.scarce]!);
  }
  return sum;
}
