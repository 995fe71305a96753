/** Who owns which edge of the task machine: the manager those of `order.*` and `node.*`, the worker those of `report.*` and of time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, transition, type StateValue } from 'xstate';
import { restingStates, stateKey } from '../../machines/flat-table.ts';
import { taskMachine } from '../../machines/index.ts';
import { chartOf } from '../../src/core/chart.ts';
import { finalStates, taskStates } from '../../src/core/task.ts';
import { order } from './order.ts';

const { states, edges } = chartOf(taskMachine.config);
const leading = edges.filter(({ target }) => target !== null);
const finals: ReadonlySet<string> = finalStates;

function ownerOf(event: string): string | undefined {
  if (/^(?:order|node)\./.test(event)) return 'manager';
  return /^(?:report\.|xstate\.after\.)/.test(event) ? 'worker' : undefined;
}

/** The machine in a state, as a worker's actor or a manager's record may be. */
function at(value: StateValue) {
  const { context } = createActor(taskMachine, { input: { order } }).getSnapshot();
  return taskMachine.resolveState({ value, context });
}

test('the states of the machine are those of the records', () => {
  const tops = [...states.values()].filter(({ parent }) => parent === '').map(({ name }) => name);
  assert.deepEqual(tops.sort(), [...taskStates].sort());
  const ends = [...states.values()].filter(({ isFinal }) => isFinal).map(({ path }) => path);
  assert.deepEqual(ends.sort(), [...finals].sort());
});

test('every edge that changes the state has one owner, by its prefix', () => {
  assert.ok(leading.length > 30);
  for (const { source, event, target } of leading) assert.ok(ownerOf(event), `${source} ${event} ${target}`);
});

test('between two states no edge has two owners', () => {
  const owners = new Map<string, Set<string | undefined>>();
  for (const { source, event, target } of leading) {
    const ends = `${source} -> ${target}`;
    // The machine's own edges are a safety net: `lost` is the word of both, of who knows it first.
    if (source !== '') owners.set(ends, (owners.get(ends) ?? new Set()).add(ownerOf(event)));
  }
  for (const [ends, names] of owners) assert.equal(names.size, 1, ends);
});

test('every state that is not final is owned by the manager or the worker', () => {
  for (const state of states.values()) {
    if (state.parent !== '' || state.isFinal) continue;
    assert.equal(state.tags.filter((tag) => tag === 'manager' || tag === 'worker').length, 1, state.path);
  }
});

test("the manager's edges out of states that the worker owns are `node.*` only", () => {
  const owned = [...states.values()].filter(({ tags }) => tags.includes('worker')).map(({ path }) => path);
  assert.ok(owned.includes('running'));
  for (const { source, event, target } of leading) {
    const isOut = source === '' || owned.some((path) => source === path || source.startsWith(`${path}.`));
    if (isOut && ownerOf(event) === 'manager') assert.match(event, /^node\./, `${source} ${event} ${target}`);
  }
  // An order may be taken there; it changes what is wanted, and the worker says what becomes of it.
  for (const path of owned) {
    const snapshot = at(path === 'running' ? { running: 'healthy' } : path);
    const [next] = transition(taskMachine, snapshot, { type: 'order.stop' });
    assert.deepEqual([next.value, next.context.desired], [snapshot.value, 'stopped'], path);
  }
});

test('only a worker leaves the states it owns by time, and the manager has no timers', () => {
  for (const { source, kind } of edges) {
    if (kind === 'after') assert.ok(states.get(source)!.tags.includes('worker'), source);
  }
});

const reported: Readonly<Record<string, string>> = {
  'report.preparing': 'preparing',
  'report.starting': 'starting',
  'report.running': 'running.unknown',
  'report.healthy': 'running.healthy',
  'report.unhealthy': 'running.unhealthy',
  'report.backingOff': 'backingOff',
  'report.stopping': 'stopping',
  'report.completed': 'completed',
  'report.failed': 'failed',
  'report.stopped': 'stopped',
  'report.lost': 'lost',
  'report.rejected': 'rejected',
};

test('every report but progress is one of a state', () => {
  const names = new Set(edges.map(({ event }) => event).filter((event) => event.startsWith('report.')));
  names.delete('report.progress');
  assert.deepEqual([...names].sort(), Object.keys(reported).sort());
});

for (const { key, value } of restingStates(taskMachine)) {
  if (finals.has(key)) continue;
  test(`a report is accepted in ${key}, whatever states it skips`, () => {
    for (const [type, state] of Object.entries(reported)) {
      const [next] = transition(taskMachine, at(value), { type, observed: { restarts: 7 } } as never);
      assert.equal(stateKey(next.value), state, type);
      assert.equal(next.context.observed.restarts, 7, type);
    }
  });

  test(`progress in ${key} changes what is observed and nothing else`, () => {
    const [next] = transition(taskMachine, at(value), { type: 'report.progress', observed: { detail: '50 %' } });
    assert.deepEqual([stateKey(next.value), next.context.observed.detail], [key, '50 %']);
  });

  test(`a node that is removed loses its task in ${key}`, () => {
    const [next] = transition(taskMachine, at(value), { type: 'node.removed' });
    assert.equal(next.value, 'lost');
  });
}

test('a node that is down makes every placed task unreachable, and no other', () => {
  for (const { key, value } of restingStates(taskMachine)) {
    const [next] = transition(taskMachine, at(value), { type: 'node.down' });
    const isPlaced = !finals.has(key) && key !== 'pending' && key !== 'unreachable';
    assert.equal(stateKey(next.value), isPlaced ? 'unreachable' : key, key);
  }
});
