import assert from 'node:assert/strict';
import test from 'node:test';
import { errorBody } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { dataProblems, head, problemOf, problemsOf, refusal, withTask } from './job-files.ts';

const jobKeys =
  'name, type, datacenters, priority, labels, update, tasks, completions, parallelism, deadline, preemptible, schedule, parameters or payload';

test('an unknown key is refused where it stands, with what was meant', () => {
  assert.deepEqual(problemsOf(withTask('cuont: 3')), ['5:5 unknown key "cuont"; did you mean "count"?']);
  assert.deepEqual(problemsOf(`${head}lables: {}\n`), ['5:1 unknown key "lables"; did you mean "labels"?']);
  assert.equal(problemOf('restart: {attempt: 3}'), 'unknown key "attempt"; did you mean "attempts"?');
});

test('an unknown key that is like no other is answered with what there is', () => {
  assert.equal(problemOf('restart: {qqqqqqq: 3}'), 'unknown key "qqqqqqq"; expected on, attempts, within, delay, backoff or delayMax');
});

test('a key at the wrong level is sent to the right one', () => {
  assert.deepEqual(problemsOf(`${head}image: x\n`), ['5:1 unknown key "image"; it belongs to a task, under "tasks"']);
  assert.equal(problemOf('labels: {}'), 'unknown key "labels"; it belongs to the job, at the top of the file');
});

test('keys of the contract that this version does not have are refused by name', () => {
  for (const key of ['disconnect', 'network']) {
    assert.deepEqual(problemsOf(`${head}${key}: {a: 1}\n`), [`5:1 "${key}" is not supported by this version of Cube yet`]);
  }
  assert.deepEqual(problemsOf(`${head}disconect: x\n`), [
    '5:1 unknown key "disconect"; did you mean "disconnect"? It is not supported by this version of Cube yet',
  ]);
  assert.equal(problemOf('heatlh: x'), 'unknown key "heatlh"; did you mean "health"?');
  assert.equal(problemOf('voluems: x'), 'unknown key "voluems"; did you mean "volumes"?');
});

test('a slip in a key of a map of the job is told, and what was meant', () => {
  assert.deepEqual(problemsOf(`${head}update: {paralel: 1}\n`), ['5:10 unknown key "paralel"; did you mean "parallel"?']);
  assert.deepEqual(problemsOf(`type: periodic\nschedule: {cron: "* * * * *", qqq: 1}\n${head}`), [
    '2:31 unknown key "qqq"; expected cron, timezone, overlap or missed',
  ]);
  assert.deepEqual(problemsOf(`type: parameterized\npayload: {flie: /x}\n${head}`), ['2:11 unknown key "flie"; did you mean "file"?']);
});

test('a wrong word gets a suggestion', () => {
  assert.deepEqual(problemsOf(`type: srevice\n${head}`), [
    '1:7 type: expected service, batch, system, periodic or parameterized, got "srevice"; did you mean "service"?',
  ]);
  assert.equal(problemOf('pull: sometimes'), 'pull: expected missing, always or never, got "sometimes"');
  assert.match(problemOf('stopSignal: SIGTREM'), /did you mean "SIGTERM"\?$/);
});

test('an empty file says what belongs into it', () => {
  for (const text of ['', '\n\n', '# nothing\n', '---\n', '~']) {
    assert.deepEqual(problemsOf(text), ['1:1 the file is empty: expected a job with "name" and "tasks"'], JSON.stringify(text));
  }
});

test('a file that is no map is refused', () => {
  assert.deepEqual(problemsOf('- a\n'), ['1:1 expected a job with "name" and "tasks", got a list']);
  assert.deepEqual(problemsOf('just text'), ['1:1 expected a job with "name" and "tasks", got "just text"']);
});

test('missing keys are told at what misses them', () => {
  assert.deepEqual(problemsOf('type: batch\ntasks:\n  web: {count: 1}\n'), [
    '1:1 "name" is missing: expected a name of 1 to 63 letters, digits, ".", "_" and "-" that starts with a letter or digit',
    '3:3 "image" is missing: expected an image like nginx:1.27',
  ]);
});

test('a key without a value is told at the key', () => {
  assert.deepEqual(problemsOf(withTask('count:')), ['5:5 count: expected a whole number of 0 or more, got nothing']);
  assert.deepEqual(problemsOf('name: a\ntasks:\n  web:\n'), ['3:3 web: expected a map with at least "image", got nothing']);
  assert.deepEqual(problemsOf('name: a\ntasks: {web}\n'), ['2:9 web: expected a map with at least "image", got nothing']);
});

test('all problems come at once, in the order of the file', () => {
  const error = refusal('name: "../x y"\ntype: srevice\ncolour: red\ntasks:\n  t.x: {}\n  w: {image: "a b", count: -1}\n');
  assert.deepEqual(error.message.split('\n'), [
    'f.yaml:1:7: name: expected a name of 1 to 63 letters, digits, ".", "_" and "-" that starts with a letter or digit, got "../x y"',
    'f.yaml:2:7: type: expected service, batch, system, periodic or parameterized, got "srevice"; did you mean "service"?',
    `f.yaml:3:1: unknown key "colour"; expected ${jobKeys}`,
    'f.yaml:5:3: expected a task name of 1 to 63 letters, digits, "_" and "-" that starts with a letter or digit, got "t.x"',
    'f.yaml:6:14: image: expected an image like nginx:1.27, got "a b"',
    'f.yaml:6:28: count: expected a whole number of 0 or more, got -1',
  ]);
  assert.deepEqual(error.at, { file: 'f.yaml', line: 1, column: 7 });
  assert.equal(error.row.exit, 2);
  assert.deepEqual(errorBody(error).error.problems?.length, 6);
});

test('syntax errors have their own place, and nothing is guessed after them', () => {
  assert.deepEqual(problemsOf('name: a\ntasks: [\n'), [
    '3:1 Flow sequence in block collection must be sufficiently indented and end with a ]',
  ]);
  assert.deepEqual(
    problemsOf('a: @x\nb: `c\n').map((line) => line.split(' ')[0]),
    ['1:4', '2:4'],
  );
  assert.match(problemsOf('{"name": "a" "tasks": {}}')[0]!, /^1:/);
  assert.deepEqual(problemsOf('\tname: a').length, 1);
});

test('a second document in the file is refused', () => {
  assert.deepEqual(problemsOf(`${head}---\nname: b\n`), ['5:1 expected one document in the file, and another one starts here']);
});

test('a key that stands twice is refused, with whatever else is wrong', () => {
  assert.deepEqual(problemsOf(withTask('count: 1', 'count: 2', 'pul: x')), [
    '6:5 the key "count" stands there twice',
    '7:5 unknown key "pul"; did you mean "pull"?',
  ]);
});

test('aliases that lead nowhere or into themselves are refused where they stand', () => {
  assert.deepEqual(problemsOf('name: *x\n'), ['1:7 the alias "*x" names nothing that stands before it']);
  assert.deepEqual(problemsOf('name: &a [*a]\n'), ['1:11 the alias "*a" stands inside of what it names']);
});

test('a bomb of aliases is refused', () => {
  const nine = (name: string): string => `[${Array.from({ length: 9 }, () => `*${name}`).join(',')}]`;
  const bomb = `a: &a [1,2,3]\nb: &b ${nine('a')}\nc: &c ${nine('b')}\nd: &d ${nine('c')}\n`;
  assert.match(refusal(bomb).message, /Excessive alias count/);
});

test('nesting that would exhaust the stack is refused', () => {
  for (const deep of ['['.repeat(50_000), '- '.repeat(50_000), '{a: '.repeat(5_000)]) {
    assert.deepEqual(problemsOf(deep), ['1:1 expected at most 64 levels of nesting']);
  }
});

test("keys that are lists, tags nobody knows and JavaScript's own key are refused", () => {
  assert.deepEqual(problemsOf('? [a]\n: 3\n'), ['1:3 expected text as a key, not a list, map or alias']);
  assert.deepEqual(problemsOf(withTask('count: !foo 3')), [
    '5:12 Unresolved tag: !foo',
    '5:17 count: expected a whole number of 0 or more, got "3"',
  ]);
  assert.deepEqual(problemsOf(`${head}labels: {__proto__: x}\n`), ['5:10 the key "__proto__" is not allowed']);
  assert.equal(problemOf('resources: {__proto__: 3}'), 'the key "__proto__" is not allowed');
});

test('merge keys are not part of YAML 1.2 and not ignored', () => {
  assert.match(problemOf('<<: {count: 3}'), /^unknown key "<<"/);
});

test('at least one task, and not more than the limit', () => {
  assert.deepEqual(problemsOf('name: a\ntasks: {}\n'), ['2:8 tasks: expected at least one task']);
  const limits = limitsWith({ jobTasksMax: 2 });
  assert.deepEqual(problemsOf('name: a\ntasks: {a: {image: x}, b: {image: x}, c: {image: x}}\n', limits), [
    '2:8 tasks: expected at most 2 tasks, got 3',
  ]);
});

test('instances count over all tasks', () => {
  const limits = limitsWith({ jobInstancesMax: 5 });
  const text = (a: number, b: number): string => `name: a\ntasks: {a: {image: x, count: ${a}}, b: {image: x, count: ${b}}}\n`;
  assert.deepEqual(problemsOf(text(3, 3), limits), ['2:8 tasks: expected at most 5 instances in all, got 6']);
  assert.deepEqual(problemsOf(text(6, 1), limits), ['2:30 count: expected a whole number of 0 to 5, got 6']);
  assert.deepEqual(
    problemsOf('name: a\ntasks: {a: {image: x, count: 5}, b: {image: x}}\n', limits).length,
    1,
    'a count that is not told is 1',
  );
});

test('what a job misses as a whole is told next to what its parts miss', () => {
  const limits = limitsWith({ jobInstancesMax: 5 });
  assert.equal(problemsOf('name: a\nx: 1\ntasks: {a: {image: x, count: 3}, b: {image: x, count: 3}}\n', limits).length, 2);
});

test('a long list of problems is cut, and the rest counted', () => {
  const error = refusal(`${head}${Array.from({ length: 30 }, (_, index) => `key${index}: 1\n`).join('')}`, limitsWith({ problemsMax: 10 }));
  assert.equal(error.problems.length, 10);
  assert.equal(error.message.split('\n').at(-1), 'and 20 more');
});

test('plain data is refused with paths instead of places', () => {
  const document = { name: 'a', tasks: { web: { image: 'x', count: -1, env: { A: null }, ports: [70_000] } }, cuont: 3 };
  assert.deepEqual(dataProblems(document), [
    'tasks.web.count: expected a whole number of 0 or more, got -1',
    'tasks.web.env.A: expected text, a number, true or false, got nothing; write "" for an empty text',
    'tasks.web.ports[0]: expected [ip:]host:container[/udp] like "8080:80", or a container port like 9000, with ports from 1 to 65535, got 70000',
    `unknown key "cuont"; expected ${jobKeys}`,
  ]);
  assert.deepEqual(dataProblems({ name: 'a', tasks: { web: { imag: 'x' } } }), [
    'tasks.web: "image" is missing: expected an image like nginx:1.27',
    'tasks.web: unknown key "imag"; did you mean "image"?',
  ]);
  assert.deepEqual(dataProblems(null), ['expected a job with "name" and "tasks", got nothing']);
  assert.deepEqual(dataProblems(JSON.parse('{"name":"a","tasks":{"t":{"image":"x","env":{"__proto__":"y"}}}}')), [
    'tasks.t.env: the key "__proto__" is not allowed',
  ]);
});
