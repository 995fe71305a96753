/** Variables of a parameterized job, in its file and in its runs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkJob, parseJobFile } from '../../src/core/job-file/index.ts';
import { refuseUnfit } from '../../src/core/job-file/parameters.ts';
import type { JobSpec } from '../../src/core/job.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { fillParameters, parameterNames } from '../../src/core/variables.ts';
import { errorOf, jobOf, withTask } from './job-files.ts';

type Texts = Readonly<Record<string, string>>;

function parsed(text: string, set: Texts = {}, environment: Texts = {}) {
  return parseJobFile(text, 'f.yaml', limitsDefault, { set, environment });
}

function filled(text: string, set: Texts = {}, environment: Texts = {}): JobSpec {
  return parsed(text, set, environment).spec;
}

function problems(text: string, set: Texts = {}, environment: Texts = {}): string[] {
  const error = errorOf(() => parsed(text, set, environment), 'invalid-file');
  return error.problems.map(({ message, at }) => `${at?.line}:${at?.column} ${message}`);
}

const parameterized = `name: a
type: parameterized
labels: {run: "\${id}"}
tasks:
  t:
    image: app:\${tag:-latest}
    command: convert \${input} --index \${CUBE_INDEX}
    env: {MODE: \${mode}, HOME_DIR: $\${HOME}}
    volumes: ["set-\${id}:/in"]
`;

test('variables of a parameterized job wait for its runs, unless they have a value', () => {
  const spec = filled(parameterized);
  assert.deepEqual(parameterNames(spec), ['tag', 'input', 'mode', 'id']);
  assert.equal(spec.tasks['t']?.image, 'app:${tag:-latest}');
  assert.equal(filled(parameterized, { tag: '7' }).tasks['t']?.image, 'app:7');
  assert.equal(filled(parameterized, {}, { mode: 'fast' }).tasks['t']?.env['MODE'], 'fast');
  assert.deepEqual(jobOf(parameterized), spec, 'as from a request, where nothing is filled in');
  assert.equal(filled(parameterized.replace('parameterized', '${T}'), { T: 'parameterized' }).type, 'parameterized');
});

test('an empty value leaves a variable of a parameterized job to its default, which one from the environment does not settle', () => {
  const image = (set: Texts, environment: Texts): string | undefined => filled(parameterized, set, environment).tasks['t']?.image;
  assert.equal(image({ tag: '' }, {}), 'app:latest');
  assert.equal(image({}, { tag: '' }), 'app:${tag:-latest}');
  assert.equal(filled(parameterized, {}, { mode: '' }).tasks['t']?.env['MODE'], '');
  assert.equal(fillParameters(filled(parameterized), { id: '1', tag: '' }).tasks['t']?.image, 'app:latest');
});

test('beside a map of parameters another name is refused at its place, with what was meant', () => {
  const text = (line: string): string => `type: parameterized\nparameters: {input: null, level: "1"}\n${withTask(line)}`;
  const advice = (name: string): string =>
    `name it in "parameters", or write a default \${${name}:-...}; $\${${name}} leaves it for the task's shell; see line 2`;
  assert.deepEqual(problems(text('command: ["é", "a ${inptu} ${inptu}", "${input}"]')), [
    `7:23 command[1]: \${inptu} is no parameter of this job, and has no value; did you mean \${input}? Else ${advice('inptu')}`,
  ]);
  assert.deepEqual(problems(text('env: {A: "${zzzzzzzz}"}')), [
    `7:15 A: \${zzzzzzzz} is no parameter of this job, and has no value: ${advice('zzzzzzzz')}`,
  ]);
  const script = text('command:\n      - |\n        echo\n        $${inptu} ${input} ${inptu}');
  assert.match(problems(script)[0]!, /^10:28 command\[0\]: \$\{inptu\} is no parameter/);
  assert.match(
    problems(`${text('env: {}')}labels: {a: "\${x}"}\ndatacenters: ["\${y}"]\n`).join('\n'),
    /^8:14 a: \$\{x\}.*\n9:16 datacenters\[0\]: \$\{y\}/,
  );
  assert.match(problems(`type: parameterized\nparameters: {}\n${withTask('env: {A: "${x}"}')}`)[0]!, /^7:15 A: \$\{x\}/, 'none may be set');
  const rest = text('command: ["${input}", "${x:-1}", "$${HOME}", "$HOME", "${CUBE_SLOT}", "${set}", "${there}"]');
  assert.deepEqual(filled(rest, { set: 's' }, { there: 't' }).tasks['t']?.command?.slice(5), ['s', 't']);
  assert.deepEqual(
    errorOf(
      () => checkJob({ name: 'a', type: 'parameterized', parameters: { a: null }, tasks: { t: { image: 'x:${b}' } } }, limitsDefault),
      'invalid-file',
    ).problems.map(({ message }) => message.slice(0, 45)),
    ['tasks.t.image: ${b} is no parameter of this j'],
  );
});

test('what a job names as its parameter is not taken from the environment, nor set with the file', () => {
  const text = `${parameterized}parameters: {mode: slow, tag: null, id: null, input: null}\n`;
  const spec = filled(text, {}, { mode: 'fast', tag: '7' });
  assert.deepEqual([spec.tasks['t']?.env['MODE'], spec.tasks['t']?.image], ['${mode}', 'app:${tag:-latest}']);
  assert.equal(
    errorOf(() => parsed(text, { mode: 'x' }), 'usage').message,
    'mode is a parameter of the job, which each of its runs is given',
  );
});

test('parameters are filled in, with defaults where there is no value, and the rest stays', () => {
  const spec = filled(parameterized);
  const run = fillParameters(spec, { input: 'a b; rm', id: '7', other: 'x' });
  assert.equal(run.tasks['t']?.image, 'app:latest');
  assert.deepEqual(run.tasks['t']?.command, ['convert', 'a b; rm', '--index', '${CUBE_INDEX}'], 'a word stays one word');
  assert.deepEqual(run.tasks['t']?.env, { MODE: '${mode}', HOME_DIR: '${HOME}' });
  assert.deepEqual([run.labels['run'], run.tasks['t']?.volumes?.[0]?.name], ['7', 'set-7']);
  assert.deepEqual(parameterNames(fillParameters(spec, { input: '', id: '', mode: '' })), ['HOME'], 'what was escaped is text from now on');
  assert.deepEqual(spec, filled(parameterized), 'the spec itself is as it was');
});

test('values that make nonsense of what they stand in are refused', () => {
  const spec = filled(parameterized);
  refuseUnfit(fillParameters(spec, { id: '1', tag: '2', input: '', mode: '' }));
  const message = (values: Texts): string => errorOf(() => refuseUnfit(fillParameters(spec, { id: '1', ...values })), 'usage').message;
  assert.match(message({ tag: 'x:' }), /^tasks\.t\.image: expected an image like nginx:1\.27, got "app:x:": .* after ":"$/);
  assert.match(message({ tag: 'a b' }), /^tasks\.t\.image: expected an image like nginx:1\.27, got "app:a b"$/);
  assert.match(message({ id: '../../etc' }), /^tasks\.t\.volume: expected a name of 1 to 63 letters/);
  assert.match(message({ mode: 'x\0y' }), /NUL/);
  const paths = filled('name: a\ntype: parameterized\ntasks: {t: {image: x, volumes: ["/srv/${d}:/in"], secrets: {s: "/run/${d}"}}}\n');
  assert.equal(errorOf(() => refuseUnfit(fillParameters(paths, { d: '..' })), 'usage').message.split('\n').length, 2);
});
