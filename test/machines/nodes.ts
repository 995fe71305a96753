/** Looking at machines from outside. */
import type { AnyStateMachine } from 'xstate';

/** A state of a machine. */
export type MachineNode = AnyStateMachine['root'];

/** All states of a machine, its root first. */
export function nodesOf(machine: AnyStateMachine): MachineNode[] {
  const walk = (node: MachineNode): MachineNode[] => [node, ...Object.values(node.states).flatMap((child) => walk(child))];
  return walk(machine.root);
}
