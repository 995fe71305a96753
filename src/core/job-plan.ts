/** What a submit would do, as `plan` says it. */
import type { FilterReason } from './placement.ts';
import type { SpecChange } from './spec-diff.ts';
import type { SubmitChange } from './submission.ts';

/** What would become of a slot: a task where there is none, another in place of the one there is, none any more, or nothing new. */
export type PlanAction = 'place' | 'update' | 'stop' | 'keep';

/** What would become of one slot. */
export interface PlannedChange {
  readonly action: PlanAction;
  readonly slot: string;
  /** Name of the node where its task will be, or of one to be stopped is; null where no node can take it now, or none is needed. */
  readonly node: string | null;
  readonly reason: string;
  /** Of an update: name of the node where the earlier task is; null for one without a place. */
  readonly from?: string | null;
  /** There is room for it only once others have stopped; where depends on which of them is first. */
  readonly waits?: true;
  /** The policy's score of the node picked: lower is better. */
  readonly score?: number;
}

/** A slot's task that no node takes now, and why, most frequent reason first. */
export interface UnplacedSlot {
  readonly slot: string;
  readonly reasons: readonly FilterReason[];
}

/** A task of another job that would be stopped to make room. */
export interface PreemptedSlot {
  readonly slot: string;
  /** Name of its node. */
  readonly node: string | null;
  readonly reason: string;
}

/** What a submit would do. */
export interface JobPlan {
  /** The index the job stands at; 0 while there is none. A submit with it as `checkIndex` does this or is refused. */
  readonly index: number;
  readonly job: string;
  /** What the submit would answer. */
  readonly change: SubmitChange;
  /** In the order of the job's slots; those that go come last. */
  readonly changes: readonly PlannedChange[];
  readonly unplaced: readonly UnplacedSlot[];
  readonly preempted: readonly PreemptedSlot[];
  readonly diff: readonly SpecChange[];
  /** What the submit would warn of, a sentence each. */
  readonly warnings: readonly string[];
}
