import assert from 'node:assert/strict';
import test from 'node:test';
import { dataProblems, jobOf, problemsOf } from './job-files.ts';

/** A job of tasks, a line each from line 3 on, by what stands under `dependsOn`. */
function file(tasks: Readonly<Record<string, string>>, more = 'type: batch'): string {
  const lines = Object.entries(tasks).map(([name, on]) => `  ${name}: {image: x${on === '' ? '' : `, dependsOn: ${on}`}}\n`);
  return `name: a\n${more}\ntasks:\n${lines.join('')}`;
}

test('a task waits for others, as a map of conditions or a list', () => {
  const spec = jobOf(file({ a: '{b: healthy, c: completed}', b: '[c]', c: '' }));
  assert.deepEqual(spec.tasks['a']?.dependsOn, { b: 'healthy', c: 'completed' });
  assert.deepEqual(spec.tasks['b']?.dependsOn, { c: 'started' });
  assert.ok(!Object.hasOwn(spec.tasks['c']!, 'dependsOn'));
});

test('a condition that is none is refused', () => {
  assert.deepEqual(problemsOf(file({ a: '{b: helthy}', b: '' })), [
    '4:32 b: expected started, healthy or completed, got "helthy"; did you mean "healthy"?',
  ]);
  assert.deepEqual(problemsOf(file({ a: 'b', b: '' })), [
    '4:28 dependsOn: expected a map of task names like {db: healthy}, or a list of them, got "b"',
  ]);
});

test('a task that is not there is refused, and what was meant is told', () => {
  assert.deepEqual(problemsOf(file({ web: '{databse: started}', database: '' })), [
    '4:31 unknown task "databse"; did you mean "database"?',
  ]);
  assert.deepEqual(problemsOf(file({ web: '[qqqq]', database: '', cache: '' })), [
    '4:31 dependsOn[0]: unknown task "qqqq"; expected database or cache',
  ]);
  assert.deepEqual(problemsOf(file({ web: '[toString]' })), ['4:31 dependsOn[0]: unknown task "toString"; the job has no other']);
});

test('a task that waits for itself, and one that stands there twice, are refused', () => {
  assert.deepEqual(problemsOf(file({ web: '{web: started}' })), ['4:31 "web" waits for itself']);
  assert.deepEqual(problemsOf(file({ web: '[db, db]', db: '' })), ['4:35 dependsOn[1]: "db" stands in this list twice']);
});

test('tasks that wait for each other are refused with their names in order, and all lines', () => {
  assert.deepEqual(problemsOf(file({ a: '{b: started}', b: '{c: healthy}', c: '{a: completed}' })), [
    '4:29 these tasks wait for each other: a -> b -> c -> a; see lines 5 and 6',
  ]);
  assert.deepEqual(problemsOf(file({ start: '[x]', x: '[y]', y: '[x]' })), [
    '5:29 dependsOn[0]: these tasks wait for each other: x -> y -> x; see line 6',
  ]);
  assert.deepEqual(dataProblems({ name: 'j', tasks: { a: { image: 'x', dependsOn: ['b'] }, b: { image: 'x', dependsOn: ['a'] } } }), [
    'tasks.a.dependsOn[0]: these tasks wait for each other: a -> b -> a; see tasks.b.dependsOn[0]',
  ]);
});

test('two circles are two problems, and two ways to one task are none', () => {
  assert.equal(problemsOf(file({ a: '[b]', b: '[a]', c: '[d]', d: '[c]', e: '[a, c]' })).length, 2);
  const diamond = jobOf(file({ a: '[b, c]', b: '[d]', c: '[d]', d: '' }));
  assert.deepEqual(Object.keys(diamond.tasks), ['a', 'b', 'c', 'd']);
});

test('a hundred tasks that all wait for each other are answered in a few words', () => {
  const names = Array.from({ length: 100 }, (_, index) => `t${index}`);
  const tasks = Object.fromEntries(names.map((name) => [name, { image: 'x', dependsOn: names.filter((one) => one !== name) }]));
  assert.equal(dataProblems({ name: 'j', tasks }).length, 1);
});

test('to wait for a task without instances is refused with both lines', () => {
  const text = (dependsOn: string): string =>
    `name: a\ntasks:\n  db:\n    image: x\n    count: 0\n  web:\n    image: x\n    dependsOn: ${dependsOn}\n`;
  assert.deepEqual(problemsOf(text('{db: healthy}')), ['8:17 "db" has no instances to wait for, because of "count: 0"; see line 5']);
  assert.deepEqual(problemsOf(text('[db]')), ['8:17 dependsOn[0]: "db" has no instances to wait for, because of "count: 0"; see line 5']);
  assert.deepEqual(problemsOf(text('{db: completed}')).length, 1);
  assert.deepEqual(Object.keys(jobOf(text('[db]').replace('count: 0', 'count: 1')).tasks), ['db', 'web']);
});

test('to wait for the end of what never ends is refused with both lines', () => {
  assert.deepEqual(problemsOf(file({ web: '{init: completed}', init: '' }, 'type: service')), [
    '4:31 "init" never completes, because it is always restarted, as those of a service are; give it "restart: {on: failure}"; see line 5',
  ]);
  assert.deepEqual(problemsOf(file({ web: '{init: completed}', init: '' }, 'type: system')), [
    '4:31 "init" never completes, because it is always restarted, as tasks of a system job are; give it "restart: {on: failure}"; see line 5',
  ]);
  const told = 'name: a\ntasks:\n  web: {image: x, dependsOn: {init: completed}}\n  init:\n    image: x\n    restart: {on: always}\n';
  assert.deepEqual(problemsOf(told), [
    '3:31 "init" never completes, because it is always restarted; give it "restart: {on: failure}"; see line 6',
  ]);
  assert.equal(jobOf(told.replace('always', 'failure')).tasks['web']?.dependsOn?.['init'], 'completed');
  assert.equal(jobOf(file({ web: '{init: completed}', init: '' })).tasks['web']?.dependsOn?.['init'], 'completed', 'a batch task ends');
});
