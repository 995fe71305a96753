import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '../../src/cli/command.ts';
import { looksLikeJson, readOptions, splitArgv } from '../../src/cli/options.ts';
import type { Input } from '../../src/cli/options.ts';

const sample: Command = {
  usage: 'sample [...words]',
  summary: 'a command',
  options: [
    { flags: '-f, --follow', about: 'a switch' },
    { flags: '--dry-run', about: 'a switch of two words' },
    { flags: '--name <name>', about: 'a value' },
    { flags: '--label <k=v>', about: 'many' },
    { flags: '--count <n>', about: 'a number' },
    { flags: '--timeout <duration>', about: 'a duration' },
    { flags: '--ha', about: 'a later one', later: true },
  ],
  examples: [],
  run: async () => 0,
};

function read(...argv: string[]): Input {
  return readOptions('sample', sample, splitArgv(['sample', ...argv])).input;
}

function refusal(...argv: string[]): RegExp | string {
  try {
    read(...argv);
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return '';
}

test('values arrive as they were typed, numbers or not', () => {
  for (const typed of ['007', '0x10', '1e3', '1.10', '.5', '0', 'true', 'false', 'null', 'Infinity', 'ünï']) {
    assert.equal(read('--name', typed).text('name'), typed);
    assert.equal(read(`--name=${typed}`).text('name'), typed);
    assert.deepEqual(read(typed).args, [typed]);
  }
  assert.equal(read('--name', '').text('name'), '');
  assert.equal(read('--name=').text('name'), '');
  assert.equal(read('--name=-x=y').text('name'), '-x=y');
});

test('a lone dash is an argument or a value', () => {
  assert.deepEqual(read('-', 'b').args, ['-', 'b']);
  assert.equal(read('--name', '-').text('name'), '-');
});

test('a switch takes no value, so that what follows it stays an argument', () => {
  const input = read('-f', '42', '--follow', 'true');
  assert.equal(input.flag('follow'), true);
  assert.deepEqual(input.args, ['42', 'true']);
  assert.equal(read('--follow=false').flag('follow'), false);
  assert.equal(read().flag('follow'), false);
});

test('a switch of two words takes no value either', () => {
  const input = read('--dry-run', 'file');
  assert.deepEqual([input.flag('dry-run'), input.args], [true, ['file']]);
  assert.equal(read('--dry-run', '--name', 'x').text('name'), 'x');
  assert.equal(read('--dry-run=true', 'file').flag('dry-run'), true);
  assert.equal(read('--dry-run=false', 'file').flag('dry-run'), false);
  assert.equal(read('--name=--dry-run').text('name'), '--dry-run');
  assert.match(refusal('--dry-rnu') as string, /no option --dry-rnu; did you mean --dry-run\?/);
});

test('what follows -- is left alone, further dashes too', () => {
  const split = splitArgv(['run', 'img', '--name', 'x', '--', 'sh', '-c', 'a -- b', '--', '--help', '007']);
  assert.equal(split.command, 'run');
  assert.deepEqual(split.tokens, ['img', '--name', 'x']);
  assert.deepEqual(split.rest, ['sh', '-c', 'a -- b', '--', '--help', '007']);
  assert.equal(splitArgv(['status']).rest, undefined);
  assert.deepEqual(splitArgv(['run', 'i', '--']).rest, []);
});

test('the command is found behind global options and their values', () => {
  assert.equal(splitArgv(['--host', 'status', '-q', '-o', 'json', 'nodes']).command, 'nodes');
  assert.equal(splitArgv(['--host=h', 'status', 'nodes']).command, 'status');
  assert.equal(splitArgv(['--help']).command, undefined);
  assert.equal(splitArgv(['--', 'status']).command, undefined);
  assert.equal(splitArgv(['--host']).command, undefined);
});

test('the wish for JSON is seen before anything else is read', () => {
  assert.equal(looksLikeJson(['nonsense', '-o', 'json']), true);
  assert.equal(looksLikeJson(['-o=json', 'x']), true);
  assert.equal(looksLikeJson(['--output=json']), true);
  assert.equal(looksLikeJson(['run', 'x', '--', '-o', 'json']), false);
  assert.equal(looksLikeJson(['json', '-o', 'text']), false);
});

test('unknown options are refused with the nearest known one', () => {
  assert.match(refusal('--nmae', 'x') as string, /no option --nmae; did you mean --name\?/);
  assert.match(refusal('--timeuot=5') as string, /did you mean --timeout/);
  assert.match(refusal('-x') as string, /no option -x/);
  assert.match(refusal('--zzzzzzzz') as string, /no option --zzzzzzzz$/);
  assert.match(refusal('--to-string') as string, /no option --to-string/);
});

test('a value that is missing or given twice is refused', () => {
  assert.match(refusal('--name') as string, /"--name <name>" value is missing/);
  assert.match(refusal('--name', '--follow') as string, /value is missing/);
  assert.throws(() => read('--name', 'a', '--name', 'b').text('name'), /--name was given 2 times/);
  assert.deepEqual(read('--label', 'a=1', '--label', 'b=2').texts('label'), ['a=1', 'b=2']);
  assert.throws(() => read('--label', '--label', 'b=2').texts('label'), /needs a value/);
});

test('options of later versions say so', () => {
  assert.match(refusal('--ha') as string, /--ha is not in this version yet/);
  assert.match(refusal('--context', 'x') as string, /--context is not in this version yet/);
});

test('pairs keep equal signs in values and refuse what has no key', () => {
  assert.deepEqual(read('--label', 'a=b=c', '--label', 'n=007', '--label', 'e=').pairs('label'), { a: 'b=c', n: '007', e: '' });
  assert.throws(() => read('--label', 'nothing').pairs('label'), /needs key=value/);
  assert.throws(() => read('--label', '=x').pairs('label'), /needs key=value/);
  assert.deepEqual(Object.keys(read('--label', '__proto__=x').pairs('label')), ['__proto__']);
});

test('numbers and durations are checked', () => {
  assert.equal(read('--count', '007').number('count'), 7);
  for (const bad of ['-1', '1.5', 'x', '', '1e3', '0x1']) assert.throws(() => read(`--count=${bad}`).number('count'), /whole number/);
  assert.equal(read('--count', '0.5').number('count', { whole: false }), 0.5);
  assert.throws(() => read('--count', '70000').number('count', { most: 65_535 }), /from 0 to 65535/);
  assert.throws(() => read('--count', '0').number('count', { least: 1 }), /of 1 or more/);
  assert.equal(read('--timeout', '1m30s').durationMs('timeout'), 90_000);
  assert.throws(() => read('--timeout', '5').durationMs('timeout'), /duration like/);
});

test('the host may be named in two ways, but not two hosts', () => {
  const global = (...argv: string[]) => readOptions('sample', sample, splitArgv(['sample', ...argv])).global;
  assert.equal(global('--host', 'a:1').host, 'a:1');
  assert.equal(global('--manager', 'a:1').host, 'a:1');
  assert.throws(() => global('--host', 'a:1', '--manager', 'b:1'), /same option/);
  assert.throws(() => global('-o', 'yaml'), /--output is one of json, text/);
  assert.deepEqual(global('-q', '-o', 'json'), { json: true, quiet: true, host: undefined, tokenFile: undefined, help: false });
});

test('help is given even where the rest would be refused', () => {
  assert.equal(readOptions('sample', { ...sample, usage: 'sample <must>' }, splitArgv(['sample', '--help'])).global.help, true);
  assert.throws(() => readOptions('sample', { ...sample, usage: 'sample <must>' }, splitArgv(['sample'])), /missing required args/);
  assert.throws(() => readOptions('sample', { ...sample, usage: 'sample' }, splitArgv(['sample', 'a', '7'])), /Unused args: "a", "7"/);
});
