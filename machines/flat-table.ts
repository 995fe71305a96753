/**
 * A machine as a flat table `state x event -> state`, for records that no actor stands behind: the manager may hold a million
 * tasks. The table is read off the machine once, when the process starts; the machine stays the single source
 * (test/machines/flat-table.test.ts holds them against each other).
 */
import { initialTransition, transition, type AnyStateMachine, type StateValue } from 'xstate';

/** Gives the next state, or undefined where the machine does not take that event in that state. */
export type FlatTable = (state: string, event: string) => string | undefined;

/** A state's value as text: `running.healthy`. */
export function stateKey(value: StateValue): string {
  if (typeof value === 'string') return value;
  const [name, child] = Object.entries(value)[0]!;
  return child === undefined ? name : `${name}.${stateKey(child)}`;
}

/** The keys of all states a machine can rest in. */
export function restingStates(machine: AnyStateMachine): { readonly key: string; readonly value: StateValue }[] {
  type Node = AnyStateMachine['root'];
  const resting: { key: string; value: StateValue }[] = [];
  const walk = (node: Node, wrap: (value: StateValue) => StateValue, path: string): void => {
    for (const [name, child] of Object.entries(node.states)) {
      const key = path + name;
      if (Object.keys(child.states).length === 0) resting.push({ key, value: wrap(name) });
      else walk(child, (value) => wrap({ [name]: value }), `${key}.`);
    }
  };
  walk(machine.root, (value) => value, '');
  return resting;
}

/**
 * Reads the table off a machine that has neither guards nor transient states on the edges the manager drives.
 * @param input what the machine is started with; its content does not matter to the table
 */
export function flatTable(machine: AnyStateMachine, events: readonly string[], input?: unknown): FlatTable {
  const [{ context }] = initialTransition(machine, input);
  const table = new Map<string, ReadonlyMap<string, string>>();
  for (const { key, value } of restingStates(machine)) {
    const row = new Map<string, string>();
    const snapshot = machine.resolveState({ value, context });
    for (const type of events) {
      if (snapshot.status !== 'active' || !snapshot.can({ type })) continue;
      const [next] = transition(machine, snapshot, { type });
      const to = stateKey((next as typeof snapshot).value);
      if (to !== key) row.set(type, to);
    }
    table.set(key, row);
  }
  return (state, event) => table.get(state)?.get(event);
}
