/** A stand-in for the leader: the same cluster, on which things can be tried that touch nothing but the stand-in. */
import type { TaskRecord } from '../../src/core/task.ts';
import type { Leader } from './leader.ts';
import type { Ledger } from './ledger.ts';
import { tableOf } from './node-views.ts';
import type { ClusterState } from './state.ts';

/** What the stand-in was told to do. */
export interface StandIn {
  readonly leader: Leader;
  readonly state: ClusterState;
  /** Ids of the tasks told to stop, in that order. */
  readonly told: Set<string>;
  /** Why, by id. */
  readonly causes: Map<string, string>;
  /** Whether there is something to place since this was asked last. */
  readonly wantsPlacing: () => boolean;
}

/** @param asksAgain parked tasks that are to be asked for once more */
export function standIn(leader: Leader, asksAgain: (task: TaskRecord) => boolean): StandIn {
  // So that the copy has its nodes in the same order.
  tableOf(leader);
  const state = leader.state.fork();
  const told = new Set<string>();
  const causes = new Map<string, string>();
  const waits = (task: TaskRecord | undefined): boolean => task !== undefined && !asksAgain(task);
  const parked = new Set([...leader.parked].filter((id) => waits(leader.state.tasks.get(id))));
  const roomierNodes = new Set(leader.roomierNodes);
  let wanted = [...state.pending].some((id) => !parked.has(id));
  const ledger: Pick<Ledger, 'putTask' | 'orderTask' | 'removeTask' | 'putClaim' | 'note' | 'then'> = {
    putTask: (task) => state.putTask(task),
    orderTask: (task) => void (task.desired === 'stopped' && told.add(task.id)),
    removeTask: () => undefined,
    putClaim: (claim) => void state.claims.set(claim.slot, claim),
    note: ({ id, cause }) => void causes.set(id, cause),
    then: () => undefined,
  };
  // All that the code which places and stops writes to, or writes by. The rest it only reads.
  const own = {
    state,
    ledger: ledger as unknown as Ledger,
    usage: new Map(leader.usage),
    cursor: cursorIn(leader),
    parked,
    roomierNodes,
    takesStock: false,
    awaitPlace: () => void (wanted = true),
    roomChanged(node?: string) {
      if (node === undefined) parked.clear();
      else roomierNodes.add(node);
      wanted ||= state.pending.size > 0;
    },
  };
  const wantsPlacing = (): boolean => {
    const was = wanted;
    wanted = false;
    return was;
  };
  return { leader: Object.assign(Object.create(leader) as Leader, own), state, told, causes, wantsPlacing };
}

/** Where round robin goes on in a table without empty rows. */
function cursorIn({ cursor, state: { nodes, table } }: Leader): number {
  return [...nodes.keys()].filter((id) => table.rowOf(id) <= cursor).length - 1;
}
