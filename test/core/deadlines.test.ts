import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Deadlines } from '../../src/core/deadlines.ts';

test('what is due comes out once, the earliest first, and what is not stays', () => {
  const deadlines = new Deadlines();
  deadlines.set('late', 30);
  deadlines.set('early', 10);
  deadlines.set('middle', 20);
  assert.equal(deadlines.next, 10);
  assert.deepEqual(deadlines.due(9), []);
  assert.deepEqual(deadlines.due(20), ['early', 'middle']);
  assert.deepEqual(deadlines.due(20), []);
  assert.equal(deadlines.next, 30);
});

test('a key has one deadline: the last that was set, be it earlier, later or the same', () => {
  const deadlines = new Deadlines();
  deadlines.set('a', 10);
  deadlines.set('a', 30);
  assert.deepEqual(deadlines.due(29), []);
  deadlines.set('a', 5);
  assert.equal(deadlines.next, 5);
  deadlines.set('a', 5);
  assert.deepEqual(deadlines.due(100), ['a']);
  assert.equal(deadlines.next, undefined);
});

test('a deadline that was cleared does not come, until it is set again', () => {
  const deadlines = new Deadlines();
  deadlines.set('a', 10);
  deadlines.clear('a');
  deadlines.clear('never set');
  assert.equal(deadlines.next, undefined);
  deadlines.set('a', 10);
  assert.deepEqual(deadlines.due(10), ['a']);
});

test('a key may be set anew while what is due is worked off', () => {
  const deadlines = new Deadlines();
  deadlines.set('a', 10);
  deadlines.set('b', 10);
  for (const key of deadlines.due(10)) deadlines.set(key, 10);
  assert.deepEqual(deadlines.due(10).toSorted(), ['a', 'b']);
});

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const commands = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('set' as const), key, at: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), key, at: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('due' as const), key, at: fc.nat(60) }) },
  ),
  { maxLength: 200 },
);

test('it does what a sorted list does', () => {
  fc.assert(
    fc.property(commands, (list) => {
      const deadlines = new Deadlines();
      const model = new Map<string, number>();
      for (const command of list) {
        if (command.do === 'set') {
          deadlines.set(command.key, command.at);
          model.set(command.key, command.at);
        } else if (command.do === 'clear') {
          deadlines.clear(command.key);
          model.delete(command.key);
        } else {
          const expected = [...model].filter(([, at]) => at <= command.at);
          const found = deadlines.due(command.at);
          assert.deepEqual(found.toSorted(), expected.map(([name]) => name).toSorted());
          const times = found.map((name) => model.get(name)!);
          assert.deepEqual(
            times,
            times.toSorted((a, b) => a - b),
          );
          for (const name of found) model.delete(name);
        }
        assert.equal(deadlines.next, model.size === 0 ? undefined : Math.min(...model.values()));
      }
    }),
    { numRuns: 500 },
  );
});
