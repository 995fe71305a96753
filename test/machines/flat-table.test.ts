import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createActor, initialTransition, transition, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';
import { flatTable, restingStates, stateKey } from '../../machines/flat-table.ts';
import { jobMachine, nodeMachine, taskMachine } from '../../machines/index.ts';
import { chartOf } from '../../src/core/chart.ts';
import { order } from './order.ts';

const driven: readonly (readonly [string, AnyStateMachine, unknown])[] = [
  ['task', taskMachine, { order }],
  ['job', jobMachine, undefined],
  ['node', nodeMachine, undefined],
];

/** Every event that a machine names, and one that it does not. */
function eventsOf(machine: AnyStateMachine): string[] {
  const named = chartOf(machine.config).edges.filter(({ kind, event }) => kind === 'event' && event !== 'order.update');
  return [...new Set(named.map(({ event }) => event)), 'nobody.knows'];
}

/** The machine in a state, as it may have come to it. */
function at(machine: AnyStateMachine, key: string, input: unknown): AnyMachineSnapshot {
  const [{ context }] = initialTransition(machine, input);
  const { value } = restingStates(machine).find((one) => one.key === key)!;
  return machine.resolveState({ value, context }) as AnyMachineSnapshot;
}

for (const [name, machine, input] of driven) {
  const events = eventsOf(machine);
  const keys = restingStates(machine).map(({ key }) => key);

  test(`the ${name} table and the ${name} machine agree on any sequence of events`, () => {
    const moves = flatTable(machine, events, input);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (sequence) => {
        let [snapshot] = initialTransition(machine, input) as [AnyMachineSnapshot, unknown];
        let state = stateKey(snapshot.value);
        for (const type of sequence) {
          // A machine that has ended takes nothing more; `transition` alone would.
          if (snapshot.status === 'active') [snapshot] = transition(machine, snapshot, { type }) as [AnyMachineSnapshot, unknown];
          state = moves(state, type) ?? state;
          assert.equal(state, stateKey(snapshot.value), `after ${type}`);
        }
      }),
    );
  });

  test(`the ${name} table agrees with a live ${name} actor, from every state and for every event`, () => {
    const moves = flatTable(machine, events, input);
    for (const key of keys) {
      const snapshot = at(machine, key, input);
      for (const type of events) {
        if (snapshot.status !== 'active') {
          assert.equal(moves(key, type), undefined, `${key} ${type}`);
          continue;
        }
        const actor = createActor(machine, { snapshot, input }).start();
        actor.send({ type });
        assert.equal(moves(key, type) ?? key, stateKey((actor.getSnapshot() as AnyMachineSnapshot).value), `${key} ${type}`);
        actor.stop();
      }
    }
  });

  test(`the ${name} machine moves the same whatever it was started with and whatever it has seen`, () => {
    const moves = flatTable(machine, events, input);
    const other = flatTable(machine, events, { order: { ...order, desired: 'stopped' }, observed: { attempt: 9, restarts: 8 } });
    for (const key of keys) for (const type of events) assert.equal(other(key, type), moves(key, type), `${key} ${type}`);
  });
}

test('a state or event that a table does not know moves nothing', () => {
  const moves = flatTable(nodeMachine, ['beat.heard']);
  assert.equal(moves('suspect', 'beat.heard'), 'ready');
  assert.equal(moves('suspect', 'link.welcomed'), undefined);
  assert.equal(moves('nowhere', 'beat.heard'), undefined);
});

test('an edge back to the same state is no move', () => {
  const moves = flatTable(jobMachine, ['job.changed']);
  assert.equal(moves('pending', 'job.changed'), undefined);
  assert.equal(moves('running', 'job.changed'), 'pending');
});
