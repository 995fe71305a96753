import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePort } from '../../src/core/job-file/ports.ts';
import { splitWords } from '../../src/core/job-file/shell-words.ts';
import { signalName, signalNumber } from '../../src/core/job-file/signals.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { jobOf, problemOf, problemsOf, taskOf, withTask } from './job-files.ts';

test('ports are read in all their forms', () => {
  const tcp = { protocol: 'tcp' } as const;
  assert.deepEqual(parsePort(9000), { container: 9000, ...tcp });
  assert.deepEqual(parsePort('9000'), { container: 9000, ...tcp });
  assert.deepEqual(parsePort('8080:80'), { host: 8080, container: 80, ...tcp });
  assert.deepEqual(parsePort('8080:80/tcp'), { host: 8080, container: 80, ...tcp });
  assert.deepEqual(parsePort('53/udp'), { container: 53, protocol: 'udp' });
  assert.deepEqual(parsePort('0.0.0.0:53:5353/udp'), { ip: '0.0.0.0', host: 53, container: 5353, protocol: 'udp' });
  assert.deepEqual(parsePort('[::1]:8080:80'), { ip: '::1', host: 8080, container: 80, ...tcp });
  assert.deepEqual(parsePort('127.0.0.1::80'), { ip: '127.0.0.1', container: 80, ...tcp });
  assert.deepEqual(parsePort('1:65535'), { host: 1, container: 65_535, ...tcp });
});

test('what is no port is refused', () => {
  const wrong = [
    '',
    '0',
    '65536',
    '99999:80',
    '80:0',
    '0:80',
    ':80',
    '80:',
    'a:80',
    '80:80:80',
    '1.2.3:80:80',
    '256.1.1.1:80:80',
    '::1:80:80',
    '[::1]',
  ];
  wrong.push('[zz]:80:80', '80/sctp', '80/', '8000-8010:80', '80 80', '-80', '1e3', '0x50', '127.0.0.1:80', '80:80/udp/tcp', '8080:80\nx');
  for (const text of wrong) assert.equal(parsePort(text), undefined, text);
  for (const number of [0, -1, 1.5, 70_000, Number.NaN]) assert.equal(parsePort(number), undefined, String(number));
});

test('ports written without quotes are text in YAML 1.2, with a blank they are a map and told so', () => {
  assert.deepEqual(taskOf('ports:', '  - 8080:80', '  - 22:22').ports, [
    { host: 8080, container: 80, protocol: 'tcp' },
    { host: 22, container: 22, protocol: 'tcp' },
  ]);
  assert.match(problemOf('ports:', '  - 8080: 80'), /got a map; write it without a blank: "8080:80"$/);
  assert.equal(problemOf('ports: 8080:80'), 'ports: expected a list of ports like ["8080:80", "9000"], got "8080:80"');
});

test('the same port twice within a task is refused at its second place', () => {
  assert.deepEqual(problemsOf(withTask('ports:', '  - 8080:80', '  - 8080:81')), [
    '7:9 ports[1]: host port 8080/tcp stands in this task twice',
  ]);
  const twice = [
    ['9000', '9000'],
    ['1.1.1.1:80:80', '1.1.1.1:80:81'],
    ['80:80', '0.0.0.0:80:81'],
    ['0.0.0.0:80:80', '127.0.0.1:80:81'],
    ['[::]:80:80', '[::1]:80:81'],
  ];
  for (const pair of twice)
    assert.match(problemOf(`ports: ${JSON.stringify(pair)}`), /^ports\[1\]: .* stands in this task twice$/, pair.join(' '));
});

test('ports that do not meet are no doubles', () => {
  const apart = [
    ['53:53', '53:53/udp'],
    ['8080:80', '8081:80'],
    ['80', '8080:80'],
    ['127.0.0.1:80:80', '127.0.0.2:80:80'],
    ['0.0.0.0:80:80', '[::]:80:80'],
  ];
  for (const pair of apart) assert.equal(taskOf(`ports: ${JSON.stringify(pair)}`).ports.length, 2, pair.join(' '));
});

test('two tasks of a job may ask for the same host port: the scheduler spreads them', () => {
  const spec = jobOf('name: a\ntasks:\n  a: {image: x, ports: ["80:80"], count: 3}\n  b: {image: x, ports: ["80:80"]}\n');
  assert.equal(Object.keys(spec.tasks).length, 2);
});

test('a task may ask for so many ports and no more', () => {
  const text = withTask('ports: [1, 2, 3]');
  assert.equal(jobOf(text, limitsWith({ taskPortsMax: 3 })).tasks['t']?.ports.length, 3);
  assert.deepEqual(problemsOf(text, limitsWith({ taskPortsMax: 2 })), ['5:12 ports: expected at most 2 ports']);
});

test('a command line is split as a shell would', () => {
  const cases: [string, string[]][] = [
    ['a b  c', ['a', 'b', 'c']],
    ['  a\tb ', ['a', 'b']],
    [`sh -c 'echo $x | cat > "y"'`, ['sh', '-c', 'echo $x | cat > "y"']],
    ['a "b c" d', ['a', 'b c', 'd']],
    ['a"b c"d', ['ab cd']],
    [`'' ""`, ['', '']],
    [String.raw`a\ b \"c\' \\ \$x`, ['a b', `"c'`, '\\', '$x']],
    [String.raw`"a\"b\\c\$d\n"`, [String.raw`a"b\c$d\n`]],
    [String.raw`'a\b'`, [String.raw`a\b`]],
    ['a\\\nb', ['ab']],
    ['"a\\\nb"', ['ab']],
    ['\na b\n', ['a', 'b']],
    ['find . -name *.js ~ #x {a,b}', ['find', '.', '-name', '*.js', '~', '#x', '{a,b}']],
    ['a ends\\ ', ['a', 'ends ']],
    ['größe 日本', ['größe', '日本']],
  ];
  for (const [line, words] of cases) assert.deepEqual(splitWords(line), { words }, line);
});

test('what needs a shell, or an end, is refused in a command line', () => {
  const needsShell = [
    'a | b',
    'a && b',
    'a; b',
    'a > b',
    'a < b',
    'a &',
    '(a)',
    'echo $HOME',
    'echo "$HOME"',
    'echo `date`',
    'echo "`date`"',
    'a\nb',
  ];
  for (const line of needsShell) {
    const split = splitWords(line);
    assert.ok('refused' in split && split.refused.includes('needs a shell: write [sh, -c, "..."]'), line);
  }
  const cases: [string, RegExp][] = [
    [`a 'b`, /closing single quote/],
    ['a "b', /closing double quote/],
    ['a "b\\"', /closing double quote/],
    ['a\\', /after the last backslash/],
    ['', /at least one word/],
    [' \n ', /at least one word/],
  ];
  for (const [line, why] of cases) {
    const split = splitWords(line);
    assert.ok('refused' in split && why.test(split.refused), line);
  }
});

test('a command is a list of words or a line of them, and never empty', () => {
  assert.deepEqual(taskOf('command: sleep 10').command, ['sleep', '10']);
  assert.deepEqual(taskOf('command: [echo, 1, true, "a b"]').command, ['echo', '1', 'true', 'a b']);
  assert.deepEqual(taskOf('command: |', '  sleep 10').command, ['sleep', '10']);
  assert.match(problemOf('command: []'), /leave "command" out/);
  assert.match(problemOf('command: ""'), /at least one word/);
  assert.match(problemOf('command: [a, {b: c}]'), /^command\[1\]: expected text, a number, true or false, got a map$/);
  assert.match(problemOf('command: "a\\0b"'), /./);
  assert.match(problemOf('command: ["a\\0b"]'), /without NUL characters/);
  assert.match(problemOf('command: 5'), /expected a list of words, or one line of them, got 5/);
});

test('the environment is a map or a list, and its values become text', () => {
  assert.deepEqual(taskOf('env: {A: 1, B: true, C: x, D: "", E.f-g_h: 0.5}').env, { A: '1', B: 'true', C: 'x', D: '', 'E.f-g_h': '0.5' });
  assert.deepEqual(taskOf('env: [A=1, B=, "C=a=b c"]').env, { A: '1', B: '', C: 'a=b c' });
  assert.deepEqual(taskOf('env: []').env, {});
});

test('a wrong environment is refused entry by entry', () => {
  assert.equal(problemOf('env: {A: }'), 'A: expected text, a number, true or false, got nothing; write "" for an empty text');
  assert.match(problemOf('env: {1A: x}'), /starts with a letter or "_", got "1A"$/);
  assert.match(problemOf('env: {A: [x]}'), /^A: expected text, a number, true or false, got a list$/);
  assert.match(problemOf('env: [A=1, B]'), /^env\[1\]: expected NAME=value.*got "B"$/);
  assert.match(problemOf('env: [=1]'), /^env\[0\]: expected NAME=value/);
  assert.equal(problemOf('env: [A=1, A=2]'), 'env[1]: "A" stands in this list twice');
  assert.equal(problemOf('env: A=1'), 'env: expected a map of names and values, or a list of NAME=value, got "A=1"');
});

test('labels become text; those of Cube itself are refused', () => {
  assert.match(
    problemsOf(withTask().replace('tasks:', 'labels: {cube.job: x}\ntasks:'))[0]!,
    /^2:10 .*those that start with "cube\." are Cube's/,
  );
  assert.match(problemsOf(withTask().replace('tasks:', 'labels: {a: }\ntasks:'))[0]!, /^2:10 a: expected text/);
  assert.match(problemsOf(withTask().replace('tasks:', 'labels: {"a b": 1}\ntasks:'))[0]!, /^2:10 expected a label name/);
});

test('sizes and cores are read from text and numbers', () => {
  const sizes = taskOf('resources: {cpu: "0.25", memory: 1048576, disk: 1.5 GB}').resources;
  assert.deepEqual(sizes, { cpu: 0.25, memoryBytes: 1_048_576, diskBytes: 1_500_000_000, custom: {} });
  for (const cpu of ['-1', '500m', '"one"', '.inf', '.nan', '[1]', '""', '0x10']) {
    assert.match(
      problemOf(`resources: {cpu: ${cpu === '0x10' ? '"0x10"' : cpu}}`),
      /^cpu: expected a number of cores of 0 or more, like 0\.5, got /,
      cpu,
    );
  }
  for (const memory of ['-1', '12XB', '1.5', '""', 'true', '99999999999999999999']) {
    assert.match(
      problemOf(`resources: {memory: ${memory}}`),
      /^memory: expected a size like 128MiB, or a whole number of bytes, got /,
      memory,
    );
  }
});

test("resources of a user's own are numbers, and slips of the known names are told", () => {
  assert.deepEqual(taskOf('resources: {gpu: 0.5, nvidia.com/gpu: 2}').resources.custom, { gpu: 0.5, 'nvidia.com/gpu': 2 });
  assert.equal(problemOf('resources: {gpu: two}'), 'gpu: expected a number of 0 or more, got "two"');
  assert.equal(problemOf('resources: {gpu: -1}'), 'gpu: expected a number of 0 or more, got -1');
  for (const [slip, meant] of Object.entries({
    memroy: 'memory',
    Memory: 'memory',
    mem: 'memory',
    dsik: 'disk',
    CPU: 'cpu',
    cpus: 'cpu',
  })) {
    assert.equal(problemOf(`resources: {${slip}: 1}`), `unknown resource "${slip}"; did you mean "${meant}"?`);
  }
  assert.match(problemOf('resources: {"a b": 1}'), /^expected a resource name/);
  assert.match(problemOf('resources: {slots: 1}'), /^"slots" is what Cube calls the number of tasks on a node; choose another name$/);
});

test('durations need a unit, and an end that timers can count to', () => {
  assert.equal(taskOf('stopGrace: 1m30s').stopGraceMs, 90_000);
  assert.equal(taskOf('stopGrace: 0').stopGraceMs, 0);
  assert.equal(taskOf('stopGrace: 0s').stopGraceMs, 0);
  assert.equal(taskOf('stopGrace: 24d').stopGraceMs, 24 * 86_400_000);
  assert.match(problemOf('stopGrace: 5'), /got 5; a number needs a unit$/);
  for (const wrong of ['30d', '-5s', 'soon', '5 bananas', '""', '[5s]', '1e9y']) {
    assert.match(problemOf(`stopGrace: ${wrong}`), /^stopGrace: expected a duration like 10s or 1m30s, of at most 24 days, got /, wrong);
  }
});

test('a restart policy is checked in itself', () => {
  assert.match(problemOf('restart: {delay: 2m, delayMax: 1m}'), /^delayMax: expected a duration of at least that of "delay"$/);
  assert.match(problemOf('restart: {backoff: 0.5}'), /^backoff: expected a number of 1 or more, got 0\.5$/);
  assert.match(problemOf('restart: {attempts: 1.5}'), /^attempts: expected a whole number of 0 or more, got 1\.5$/);
  assert.match(problemOf('restart: always'), /^restart: expected a map like \{on: failure, attempts: 3\}, got "always"$/);
});

test('signals are named in full, whichever way they are written', () => {
  for (const written of ['SIGTERM', 'sigterm', 'TERM', 'term', 15, '15']) assert.equal(signalName(written), 'SIGTERM', String(written));
  assert.equal(signalName('SIGRTMIN+3'), 'SIGRTMIN+3');
  assert.equal(signalName(37), 'SIGRTMIN+3');
  assert.equal(signalName('rtmax'), 'SIGRTMAX');
  assert.equal(signalName('SIGPOLL'), 'SIGIO');
  for (const wrong of ['SIGFOO', 0, 32, 33, 65, -1, 1.5, '', 'SIG', 'SIGRTMIN+16', 'constructor'])
    assert.equal(signalName(wrong), undefined, String(wrong));
  assert.equal(signalNumber('SIGKILL'), 9);
  assert.equal(signalNumber('SIGSYS'), 31);
  assert.equal(signalNumber('SIGRTMAX-14'), 50);
  assert.equal(signalNumber('SIGFOO'), undefined);
});

test('numbers of signals are those of Linux', { skip: process.platform !== 'linux' }, async () => {
  const { constants } = await import('node:os');
  for (const [name, number] of Object.entries(constants.signals)) {
    const known = signalName(name);
    assert.ok(known, name);
    assert.equal(signalNumber(known), number, name);
  }
});

test('images, users and working directories are checked for what no engine takes', () => {
  assert.equal(taskOf('user: 1000:1000').user, '1000:1000');
  assert.match(problemOf('user: a b'), /^user: expected a user name or number without blanks, got "a b"$/);
  assert.match(problemOf('user: ""'), /^user: /);
  assert.match(problemOf('workdir: srv'), /^workdir: expected an absolute path like \/srv, got "srv"$/);
  for (const image of ['""', 'a b', '5', '[a]']) {
    const text = withTask().replace('image: busybox', `image: ${image}`);
    assert.match(problemsOf(text)[0]!, /^4:12 image: expected an image like nginx:1\.27, got /, image);
  }
});

test('names keep to their pattern, at both ends of their length', () => {
  const named = (name: string): string => `name: ${name}\ntasks: {t: {image: x}}\n`;
  assert.equal(jobOf(named(`a${'b'.repeat(62)}`)).name.length, 63);
  for (const name of ['"../x"', `a${'b'.repeat(63)}`, '-a', '"a b"', '.a', '""']) {
    assert.match(problemsOf(named(name))[0]!, /^1:7 name: expected a name of 1 to 63/, name);
  }
  assert.match(problemsOf(named('5'))[0]!, /got 5; write it in quotes: "5"$/);
});
