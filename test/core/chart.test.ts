import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMachine } from 'xstate';
import { machines } from '../../machines/index.ts';
import { activePaths, chartOf, tagsAt, valueAt } from '../../src/core/chart.ts';

const config = {
  id: 'lamp',
  description: 'A lamp.',
  initial: 'off',
  on: { 'power.lost': '.off', 'dust.settled': { actions: 'note' }, 'bulb.broken': { target: '#lamp.broken', guard: { type: 'isOld' } } },
  states: {
    off: { tags: ['dark'], on: { 'switch.pressed': { target: 'on.dim', actions: ['click', { type: 'hum', params: { volume: 1 } }] } } },
    on: {
      id: 'light',
      initial: 'bright',
      tags: 'light',
      invoke: { id: 'glow', src: 'glow', onDone: { target: '#light.dim' }, onError: '#lamp.off' },
      after: { 500: 'off', nightTime: [{ guard: 'isLate', target: 'off' }, { target: '.dim' }] },
      states: {
        bright: { on: { 'knob.turned': { target: 'dim' } }, always: { guard: 'isLate', target: 'dim' } },
        dim: { tags: ['dark'], type: 'final' },
      },
      onDone: 'off',
      exit: 'cool',
    },
    broken: { type: 'final', description: 'For ever.' },
  },
};

test('states come with their path, parent, tags and what runs in them', () => {
  const { id, states } = chartOf(config);
  assert.equal(id, 'lamp');
  assert.deepEqual([...states.keys()], ['', 'off', 'on', 'on.bright', 'on.dim', 'broken']);
  const on = states.get('on')!;
  assert.deepEqual([on.parent, on.initial, on.children], ['', 'on.bright', ['on.bright', 'on.dim']]);
  assert.deepEqual([on.tags, on.invokes, on.exit, on.isFinal], [['light'], ['glow'], ['cool'], false]);
  assert.deepEqual([states.get('broken')!.isFinal, states.get('broken')!.description], [true, 'For ever.']);
});

test('every way to write a target leads where XState goes', () => {
  const chart = chartOf(config);
  const told = chart.edges.map((edge) => `${edge.source || '*'} ${edge.label}${edge.guard ? ` [${edge.guard}]` : ''} -> ${edge.target}`);
  assert.deepEqual(told, [
    '* power.lost -> off',
    '* dust.settled -> null',
    '* bulb.broken [isOld] -> broken',
    'off switch.pressed -> on.dim',
    'on glow done -> on.dim',
    'on glow failed -> off',
    'on done -> off',
    'on after 500 ms -> off',
    'on after nightTime [isLate] -> off',
    'on after nightTime -> on.dim',
    'on.bright knob.turned -> on.dim',
    'on.bright always [isLate] -> on.dim',
  ]);
  assert.deepEqual(chart.edges.find(({ event }) => event === 'switch.pressed')!.actions, ['click', 'hum']);
});

test('the edges of every machine are those that XState sees', () => {
  for (const [name, machine] of Object.entries({ ...machines, lamp: createMachine(config as never) })) {
    const seen: string[] = [];
    const walk = (node: typeof machine.root): void => {
      const path = node.path.join('.');
      for (const [event, transitions] of node.transitions) {
        for (const { target, reenter } of transitions) seen.push(`${path} ${event} ${target?.[0]?.path.join('.') ?? null} ${reenter}`);
      }
      for (const { target } of node.always ?? []) seen.push(`${path}  ${target?.[0]?.path.join('.') ?? null} false`);
      for (const child of Object.values(node.states)) walk(child as typeof machine.root);
    };
    walk(machine.root);
    const read = chartOf(machine.config).edges.map((edge) => `${edge.source} ${edge.event} ${edge.target} ${edge.reenter}`);
    assert.deepEqual(read.sort(), seen.sort(), name);
  }
});

test('a value is told as the states it is in, and back', () => {
  const chart = chartOf(config);
  assert.deepEqual(activePaths({ on: 'dim' }), ['on', 'on.dim']);
  assert.deepEqual(activePaths({ a: { b: 'c', d: {} } }), ['a', 'a.b', 'a.b.c', 'a.d']);
  assert.deepEqual(activePaths(undefined), []);
  assert.deepEqual(valueAt(chart, 'on.dim'), { on: 'dim' });
  assert.deepEqual(valueAt(chart, 'on'), { on: 'bright' });
  assert.equal(valueAt(chart, 'off'), 'off');
  assert.equal(valueAt(chart, 'exploded'), 'exploded');
  assert.deepEqual(tagsAt(chart, { on: 'dim' }), ['light', 'dark']);
});

test('what is no config gives a machine without states', () => {
  for (const nothing of [undefined, null, 'lamp', 7, [], { states: 'many' }, { id: 3, on: [], states: { off: null } }]) {
    const chart = chartOf(nothing);
    assert.equal(chart.id, '(machine)');
    assert.deepEqual(chart.edges, []);
  }
});
