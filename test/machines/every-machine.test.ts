/** Every machine does what XState would not complain about if it did not: see "XState v5" in the notes on style. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createActor,
  isMachineSnapshot,
  transition,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type Snapshot,
} from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { createLinkLogic } from '../../actors/link.ts';
import { createManagerLogic } from '../../actors/manager/logic.ts';
import { createSchedulerLogic } from '../../actors/scheduler.ts';
import { createTaskLogic } from '../../actors/task.ts';
import { createWorkerLogic } from '../../actors/worker/logic.ts';
import { restingStates, stateKey } from '../../machines/flat-table.ts';
import { machines } from '../../machines/index.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { HandClock } from '../inspector/harness.ts';
import { keptLog } from '../transport/fixtures.ts';
import { inputs, journeys } from './journeys.ts';
import { nodesOf, type MachineNode } from './nodes.ts';

const all: readonly (readonly [string, AnyStateMachine])[] = Object.entries(machines);

/** A name, as the config gives it: text, or `{type, params}`. */
function nameOf(reference: unknown): string {
  return typeof reference === 'string' ? reference : (reference as { readonly type: string }).type;
}

/** Everything named in a machine's config, by kind. */
function namesIn(machine: AnyStateMachine) {
  const nodes = nodesOf(machine);
  const edges = nodes.flatMap((node) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])]);
  return {
    // Timers are XState's own actions.
    actions: [...nodes.flatMap(({ entry, exit }) => [...entry, ...exit]), ...edges.flatMap(({ actions }) => actions)]
      .map(nameOf)
      .filter((action) => !action.startsWith('xstate.')),
    guards: edges.flatMap(({ guard }) => (guard === undefined ? [] : [nameOf(guard)])),
    delays: nodes.flatMap(({ after }) => after.flatMap(({ delay }) => (typeof delay === 'number' ? [] : [String(delay)]))),
    actors: [...nodes.flatMap(({ invoke }) => invoke.map(({ src }) => src as string)), ...spawned(machine)],
  };
}

/** Actors that named actions spawn. */
function spawned(machine: AnyStateMachine): string[] {
  return Object.values(machine.implementations.actions).flatMap((action) => {
    const { type, src } = action as { readonly type?: string; readonly src?: unknown };
    return type === 'xstate.spawnChild' && typeof src === 'string' ? [src] : [];
  });
}

for (const [name, machine] of all) {
  test(`the ${name} machine starts in a state that it has`, () => {
    const errors: unknown[] = [];
    const actor = createActor(machine, { input: inputs[name] } as object) as AnyActorRef;
    actor.subscribe({ error: (error: unknown) => errors.push(error) });
    actor.start();
    const snapshot: unknown = actor.getSnapshot();
    assert.ok(isMachineSnapshot(snapshot));
    assert.deepEqual([snapshot.status, errors], ['active', []]);
    assert.ok(restingStates(machine).some(({ key }) => key === stateKey(snapshot.value)));
    actor.stop();
  });

  test(`the ${name} machine and each of its states has a description`, () => {
    for (const { id, description } of nodesOf(machine)) assert.match(description ?? '', /^[A-Z].+[.]$/s, id);
  });

  test(`each state of the ${name} machine that has children begins in one of them`, () => {
    for (const node of nodesOf(machine)) {
      if (Object.keys(node.states).length === 0) continue;
      const [first] = node.initial.target;
      assert.ok(first && Object.values(node.states).includes(first), node.id);
    }
  });

  test(`whatever the ${name} machine names there is, and nothing else`, () => {
    const { actions, guards, delays, actors } = machine.implementations;
    const there = { actions, guards, delays, actors };
    for (const [kind, names] of Object.entries(namesIn(machine))) {
      assert.deepEqual([...new Set(names)].sort(), Object.keys(there[kind as keyof typeof there]).sort(), kind);
    }
  });

  test(`each actor that the ${name} machine invokes has an id of its own`, () => {
    for (const { id, config } of nodesOf(machine)) {
      for (const invoke of [config.invoke ?? []].flat()) assert.equal(typeof (invoke as { id?: unknown }).id, 'string', id);
    }
  });

  test(`the names in the ${name} machine read alike: events are noun.verb, states are words`, () => {
    for (const node of nodesOf(machine)) {
      assert.match(node.key, /^[a-z][A-Za-z]*$/);
      for (const event of Object.keys(node.config.on ?? {})) assert.match(event, /^[a-z]+\.[a-z][A-Za-z]*$/);
    }
  });

  test(`an event that no state of the ${name} machine knows changes nothing`, () => {
    for (const { snapshot, key } of resting(machine, name)) {
      const [next, actions] = transition(machine, snapshot, { type: 'nobody.knows' });
      assert.deepEqual([stateKey(next.value), next.context, actions], [key, snapshot.context, []]);
    }
  });

  test(`a final state of the ${name} machine takes nothing`, () => {
    for (const { snapshot, node, key } of resting(machine, name)) {
      if (node.type !== 'final') continue;
      assert.equal(snapshot.status, 'done', key);
      assert.deepEqual([node.ownEvents, node.invoke, node.after], [[], [], []], key);
    }
  });

  test(`all states of the ${name} machine are reached from its first`, () => {
    const reached = new Set<string>();
    for (const { input, events } of journeys[name]!) {
      const paths = getShortestPaths(alone(machine), { input, events, limit: 10_000, serializeState: (state) => whereAndWhat(state) });
      for (const { state } of paths) reached.add(stateKey((state as AnyMachineSnapshot).value));
    }
    assert.deepEqual(
      [...reached].sort(),
      restingStates(machine)
        .map(({ key }) => key)
        .sort(),
    );
  });

  test(`all edges of the ${name} machine are taken on the way`, () => {
    const sent = new Set(journeys[name]!.flatMap(({ events }) => events.map(({ type }) => type)));
    const leading = nodesOf(machine).flatMap((node) => [...node.transitions].filter(([, edges]) => edges.some(({ target }) => target)));
    for (const [event] of leading) assert.ok(sent.has(event), `${event} leads somewhere, and no journey sends it`);
  });
}

/** A machine whose messages to others go nowhere, since there are none. */
function alone(machine: AnyStateMachine): AnyStateMachine {
  const { actions } = machine.implementations;
  const talking = Object.keys(actions).filter((name) => (actions[name] as { readonly type?: string }).type === 'xstate.sendTo');
  return machine.provide({ actions: Object.fromEntries(talking.map((name) => [name, () => undefined])) });
}

/** What tells two moments of a journey apart: counters do not, since they go on for ever. */
function whereAndWhat(snapshot: Snapshot<unknown>): string {
  const { value, context } = snapshot as AnyMachineSnapshot;
  const { more, redials, link } = context as Record<string, unknown>;
  return JSON.stringify([value, more, redials, link]);
}

/** A machine in each of the states that it can rest in. */
function resting(machine: AnyStateMachine, name: string) {
  const { context } = createActor(machine, { input: inputs[name] } as object).getSnapshot() as { context: object };
  return restingStates(machine).map(({ key, value }) => ({
    key,
    snapshot: machine.resolveState({ value, context }),
    node: nodeAt(machine, key),
  }));
}

function nodeAt(machine: AnyStateMachine, key: string): MachineNode {
  return nodesOf(machine).find(({ path }) => path.join('.') === key)!;
}

/** The machines with their effects, as a node runs them. Nothing is done with what they are made of before they start. */
const ambient = { clock: new HandClock(), ids: { id: () => 'id', secret: () => 'secret' }, random: () => 0.5, log: keptLog() };
const book = { entries: new Map(), noteOf: () => undefined };
const deps = { ambient, limits: limitsDefault, log: ambient.log, connections: new Map(), book } as never;
const logics: Readonly<Record<string, AnyStateMachine>> = {
  manager: createManagerLogic(deps).logic,
  scheduler: createSchedulerLogic(deps),
  worker: createWorkerLogic(deps).logic,
  task: createTaskLogic(deps),
  link: createLinkLogic({ ...(deps as object), beat: () => ({ type: 'beat' }) } as never),
};

/** Actions that do nothing by themselves: pure machines have no others, but for XState's own (assign, sendTo, …). */
function openActions({ implementations }: AnyStateMachine): string[] {
  const { actions } = implementations;
  return Object.keys(actions).filter((name) => (actions[name] as { readonly type?: string }).type === undefined);
}

test('a machine without logic in actors/ leaves nothing open', () => {
  for (const [name, machine] of all) {
    if (logics[name]) continue;
    assert.deepEqual([openActions(machine), Object.keys(machine.implementations.actors)], [[], []], name);
  }
});

for (const [name, logic] of Object.entries(logics)) {
  const machine: AnyStateMachine = machines[name as keyof typeof machines];

  test(`the ${name} logic is the ${name} machine with every effect it leaves open`, () => {
    assert.equal(logic.config, machine.config);
    const { actions, actors } = logic.implementations;
    assert.ok(openActions(machine).length + Object.keys(actors).length > 0);
    for (const action of openActions(machine)) assert.notEqual(actions[action], machine.implementations.actions[action], action);
    for (const actor of Object.keys(machine.implementations.actors)) {
      assert.notEqual(actors[actor], machine.implementations.actors[actor], actor);
    }
  });

  test(`the ${name} logic provides nothing that the ${name} machine does not name`, () => {
    for (const kind of ['actions', 'guards', 'delays', 'actors'] as const) {
      assert.deepEqual(Object.keys(logic.implementations[kind]).sort(), Object.keys(machine.implementations[kind]).sort(), kind);
    }
  });

  test(`machines inside of the ${name} logic have their effects, too`, () => {
    for (const [actor, inner] of Object.entries(logic.implementations.actors)) {
      const known = all.find(([, one]) => one.config === (inner as AnyStateMachine).config);
      if (known === undefined) continue;
      for (const action of openActions(known[1])) {
        assert.notEqual((inner as AnyStateMachine).implementations.actions[action], known[1].implementations.actions[action], actor);
      }
    }
  });
}
