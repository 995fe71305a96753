import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CubeError } from '../../src/core/errors.ts';
import { checkJob, parseJobFile } from '../../src/core/job-file/index.ts';
import type { JobSpec } from '../../src/core/job.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { readSettings, variablesIn } from '../../src/core/variables.ts';
import { errorOf, head, jobOf, withTask } from './job-files.ts';

type Texts = Readonly<Record<string, string>>;

function parsed(text: string, set: Texts = {}, environment: Texts = {}) {
  return parseJobFile(text, 'f.yaml', limitsDefault, { set, environment });
}

function filled(text: string, set: Texts = {}, environment: Texts = {}): JobSpec {
  return parsed(text, set, environment).spec;
}

/** The task `t` of a file made of these lines, with its variables filled in. */
function task(lines: readonly string[], set: Texts = {}, environment: Texts = {}) {
  const found = filled(withTask(...lines), set, environment).tasks['t'];
  assert.ok(found);
  return found;
}

function problems(text: string, set: Texts = {}, environment: Texts = {}): string[] {
  const error = errorOf(() => parsed(text, set, environment), 'invalid-file');
  return error.problems.map(({ message, at }) => `${at?.line}:${at?.column} ${message}`);
}

test('a variable has the value that was set, else that of the environment, else its default', () => {
  const env = (set: Texts, environment: Texts): string | undefined => task(['env: {A: "${X:-default}"}'], set, environment).env['A'];
  assert.equal(env({ X: 'set' }, { X: 'environment' }), 'set');
  assert.equal(env({}, { X: 'environment' }), 'environment');
  assert.equal(env({}, {}), 'default');
});

test('an empty value gives way to a default, whether it was set or stands in the environment', () => {
  const env = (text: string, set: Texts, environment: Texts): string | undefined => task([`env: {A: ${text}}`], set, environment).env['A'];
  assert.equal(env('${X:-d}', {}, { X: '' }), 'd');
  assert.equal(env('${X}', {}, { X: '' }), '');
  assert.equal(env('${X:-d}', { X: '' }, {}), 'd');
  assert.equal(env('${X:-d}', { X: '' }, { X: 'e' }), 'd', 'what was set hides the environment, also when it is empty');
  assert.equal(env('${X}', { X: '' }, { X: 'e' }), '');
  assert.equal(env('${X:-}', {}, {}), '');
});

test('names that objects have by themselves are not set', () => {
  assert.equal(task(['env: {A: "${constructor:-d}"}']).env['A'], 'd');
  assert.match(problems(withTask('env: {A: "${toString}"}'))[0]!, /^5:15 \$\{toString\} has no value/);
});

test('a value may stand in blocks, in lists and maps of one line, and in quotes', () => {
  const spec = filled(
    withTask(
      'env: {A: ${X}, B: x-${X}-y, C: ${Y:-a,b}, D: "${X}"}',
      'volumes: [${X}:/x, a-${X:-y}:/y]',
      'command:',
      '  - ${X}',
      '  - |',
      '    echo ${X}',
      '    ${Y:-[1]}',
    ),
    { X: 'v' },
  );
  const t = spec.tasks['t'];
  assert.deepEqual(t?.env, { A: 'v', B: 'x-v-y', C: 'a,b', D: 'v' });
  assert.deepEqual(
    t?.volumes?.map(({ name }) => name),
    ['v', 'a-v'],
  );
  assert.deepEqual(t?.command, ['v', 'echo v\n[1]\n']);
});

test('a plain value is read again as YAML would read it, and a quoted one is text', () => {
  assert.equal(task(['count: ${N:-3}']).count, 3);
  assert.equal(task(['count: 1${N}'], { N: '0' }).count, 10);
  assert.deepEqual(problems(withTask('count: "${N:-3}"')), ['5:12 count: expected a whole number of 0 or more, got "3"']);
  assert.equal(filled(`type: batch\n${head}preemptible: \${P:-true}\n`).preemptible, true);
  assert.deepEqual(task(['count: ${N:-0x10}']).count, 16);
  assert.deepEqual(problems(withTask('count: ${N:-}')), ['5:5 count: expected a whole number of 0 or more, got nothing']);
});

test('where text is meant a number that was filled in stays as it is', () => {
  assert.deepEqual(task(['env: {A: ${X}, B: ${Y:-true}}', 'user: ${U:-0101}', 'command: [sleep, ${X}]'], { X: '1.10' }), {
    ...task(['env: {A: "1.10", B: "true"}', 'user: "0101"', 'command: [sleep, "1.10"]']),
  });
});

test('a value is text, whatever it holds: it makes no list, no map and no comment', () => {
  for (const value of [
    'a: b',
    '[1, 2]',
    '{x: 1}',
    '# no',
    '&a',
    '*a',
    '!!int 3',
    '"quoted"',
    "it's",
    'a\nb: c',
    ' 3 ',
    '${OTHER}',
    '- x',
    '\uF8E0',
  ]) {
    assert.equal(task(['env:', '  A: ${X}'], { X: value }).env['A'], value, JSON.stringify(value));
    assert.equal(task(['env: {A: "<${X}>"}'], { X: value }).env['A'], `<${value}>`);
    assert.deepEqual(task(['command: [${X}]'], { X: value }).command, [value]);
  }
});

test('keys and comments are left alone', () => {
  const spec = filled(withTask('# ${NOT_SET}', 'env: {A: 1} # ${NOT_SET_EITHER}'));
  assert.deepEqual(spec.tasks['t']?.env, { A: '1' });
  assert.deepEqual(filled(`${head}labels: {a\${X}: b}\n`).labels, { 'a${X}': 'b' });
});

test('what is escaped, and all else with a dollar, is for the shell of the task', () => {
  const script = 'echo $${HOME} $HOME $(ls) ${HOME-x} ${#A} $$ $${A:-$${B}} $1 ${1} `x` ${A%.*}';
  assert.deepEqual(
    task([`command: [sh, -c, '${script}']`]).command?.[2],
    'echo ${HOME} $HOME $(ls) ${HOME-x} ${#A} $$ ${A:-${B}} $1 ${1} `x` ${A%.*}',
  );
  assert.equal(task(['env: {A: $${X}}'], {}, { X: 'v' }).env['A'], '${X}');
});

test('names that begin with CUBE_ wait for the worker, escaped or not', () => {
  const text = 'env: {A: ${CUBE_SLOT}, B: "$${CUBE_NODE}", C: "${CUBE_PORT_80:-none}"}';
  assert.deepEqual(task([text], {}, { CUBE_SLOT: 'x' }).env, { A: '${CUBE_SLOT}', B: '$${CUBE_NODE}', C: '${CUBE_PORT_80:-none}' });
  assert.deepEqual(task(['command: serve --index ${CUBE_INDEX} "${CUBE_NODE}/x"']).command, [
    'serve',
    '--index',
    '${CUBE_INDEX}',
    '${CUBE_NODE}/x',
  ]);
  errorOf(() => jobOf(withTask('command: echo ${HOME}')), 'invalid-file');
});

test('a name without a value is told once, at its place, with every way out', () => {
  assert.deepEqual(problems(withTask('env: {A: "é \\t${X}"}', 'user: ${X}')), [
    "5:19 ${X} has no value: give --set X=..., set it in the environment, or write a default ${X:-...}; $${X} leaves it for the task's shell",
  ]);
  assert.deepEqual(
    problems(withTask('command:', '  - |', '    echo', '    ${X} ${Y}')).map((line) => line.split(' ').slice(0, 2).join(' ')),
    ['8:9 ${X}', '8:14 ${Y}'],
  );
});

test('a default with a brace in it is refused, not cut', () => {
  assert.deepEqual(problems(withTask('env: {A: "${X:-${Y}}"}'), { Y: '1' }), [
    "5:15 the default of ${X} cannot hold a brace; $${X} leaves it for the task's shell",
  ]);
});

test('other problems of a file keep their places', () => {
  assert.deepEqual(problems(withTask('env: {A: ${X}}', 'count: ${N}', 'pul: x'), { X: 'a long value\nof lines', N: 'many' }), [
    '6:12 count: expected a whole number of 0 or more, got "many"',
    '7:5 unknown key "pul"; did you mean "pull"?',
  ]);
  assert.deepEqual(
    problems(withTask('constraints: ["${L:-label.a} = b"]')).map((line) => line.split(' ')[0]),
    ['5:19'],
  );
});

test('the document that is given back has the values in it, and makes the same job', () => {
  const { spec, document } = parsed(withTask('env: {A: ${X}}', 'count: ${N}', 'image2: &x', '').replace('    image2: &x\n    \n', ''), {
    X: '1.10',
    N: '2',
  });
  assert.deepEqual(document, { name: 'a', tasks: { t: { image: 'busybox', env: { A: '1.10' }, count: 2 } } });
  assert.deepEqual(checkJob(document, limitsDefault), spec);
});

test('a variable that lacks its brace is text, and takes no brace of the file for its own', () => {
  assert.deepEqual(problems('{name: a, tasks: {t: {image: "x:${T:-1"}}}'), [
    '1:33 image: "${" begins no variable: expected ${NAME} or ${NAME:-default}, got "x:${T:-1"',
  ]);
  assert.deepEqual(filled('{name: a, tasks: {t: {image: x, command: ["${A:-"]}}}').tasks['t']?.command, ['${A:-']);
});

test('without variables nothing is filled in', () => {
  const text = withTask('env: {A: ${X}, B: $${X}, C: "${X:-d}"}');
  assert.deepEqual(jobOf(text).tasks['t']?.env, { A: '${X}', B: '$${X}', C: '${X:-d}' });
});

test('a value set for a name that the file does not use is refused', () => {
  const error = errorOf(() => parsed(withTask('env: {A: ${VERSION:-1}}'), { VERSOIN: '2' }), 'usage');
  assert.equal(error.message, 'the file does not use ${VERSOIN}; did you mean VERSION?');
  assert.equal(error.row.exit, 2);
  assert.match(errorOf(() => parsed(head, { X: '2' }), 'usage').hint, /^it uses no variables/);
  errorOf(() => parsed(withTask('env: {A: $${X}}'), { X: '2' }), 'usage');
  errorOf(() => parsed(withTask('env: {A: ${CUBE_JOB}}'), { CUBE_JOB: '2' }), 'usage');
});

test('settings are read one by one, and none is taken twice', () => {
  assert.deepEqual(readSettings(['A=1', 'B=', '_c=x=y']), { A: '1', B: '', _c: 'x=y' });
  assert.deepEqual(Object.keys(readSettings(['__proto__=1'])), ['__proto__']);
  for (const text of ['A', '=1', '', '1A=x', 'a-b=c', 'a b=c']) {
    assert.match(errorOf(() => readSettings([text]), 'usage').message, /^--set needs NAME=value/, text);
  }
  assert.equal(errorOf(() => readSettings(['A=1', 'A=1']), 'usage').message, '--set was given A twice');
  assert.match(errorOf(() => readSettings(['CUBE_JOB=x']), 'usage').message, /CUBE_/);
});

test('whatever a text and a value hold, the value comes back where it was put, and places are found', () => {
  const piece = fc.oneof(
    fc.constantFrom('${X}', '$${X}', '${X:-d}', '${', '}', '$', '${CUBE_JOB}', '${Y:-}', '$$${X}', ':-'),
    fc.string({ maxLength: 4 }).filter((text) => !/[\0\uF8E0-\uF8E6]/.test(text)),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 6 }),
      fc.string({ maxLength: 8 }).filter((text) => !text.includes('\0')),
      (pieces, value) => {
        const text = pieces.join('');
        const uses = variablesIn(text);
        for (const { start, length, name } of uses) assert.ok(text.slice(start, start + length).includes(`{${name}`));
        const document = JSON.stringify({ name: 'a', tasks: { t: { image: 'x', command: ['c', text] } } });
        try {
          const { spec } = parsed(document, {}, { X: value, d: 'no' });
          if (uses.length === 0) assert.equal(spec.tasks['t']?.command?.[1], text);
          else if (uses.every(({ isEscape, name }) => !isEscape && name === 'X') && !value.includes('$')) {
            assert.equal(
              spec.tasks['t']?.command?.[1],
              text.replaceAll(/\$\{X(?::-([^{}\n]*))?\}/g, (_, fallback?: string) => (value === '' ? (fallback ?? '') : value)),
            );
          }
        } catch (error) {
          if (!(error instanceof CubeError)) throw error;
          assert.equal(error.code, 'invalid-file');
          for (const { at, message } of error.problems)
            assert.ok(at && at.line === 1 && at.column > 20 && /brace|no value/.test(message), message);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
