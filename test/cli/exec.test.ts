import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { command } from '../../src/cli/commands/exec.ts';
import { readOptions, splitArgv } from '../../src/cli/options.ts';
import { problem } from '../../src/core/errors.ts';
import { out, playServer, usualPlay, type Play } from '../support/exec-server.ts';
import { noTerminal, startInTerminal } from '../support/terminal.ts';
import { FakeManager } from './fake-manager.ts';
import { cube, startCube } from './run-cli.ts';
import { aJob, aStatus, aTask } from './samples.ts';

/** A node that plays commands, and what it takes to find it. */
async function node(t: TestContext, play: Play = usualPlay) {
  const server = await playServer(t, play);
  return { server, env: { CUBE_HOST: server.url, CUBE_TOKEN: 'admin-token' } };
}

/** Shows what keys are pressed, in hex, until `q`. */
const keys: Play = async function* (open, input) {
  yield { kind: 'started' };
  yield out(`${open.size?.columns}x${open.size?.rows}\r\n`);
  for await (const item of input) {
    if (item.kind === 'resize') yield out(`now ${item.columns}x${item.rows}\r\n`);
    if (item.kind !== 'bytes') continue;
    yield out(`${Buffer.from(item.bytes).toString('hex')}\r\n`);
    if (item.bytes.includes('q'.charCodeAt(0))) break;
  }
  yield { kind: 'exit', exitCode: 5 };
};

test('output comes on its streams as it is, and the exit code is passed on', async (t) => {
  const { env } = await node(t);
  const both = await cube(['exec', 'shop/web.1', '--', 'both'], { env });
  assert.deepEqual([both.stdout, both.stderr, both.code], ['to stdout', 'to stderr', 0]);
  const json = await cube(['exec', '-o', 'json', 'shop/web.1', '--', 'echo', 'hi'], { env });
  assert.deepEqual([json.stdout, json.stderr, json.code], ['hi', '', 0]);
  for (const code of [3, 255]) assert.equal((await cube(['exec', 'shop/web.1', 'exit', String(code)], { env })).code, code);
});

test('an exit code that no shell can show is 255, with a word on it', async (t) => {
  const { env } = await node(t);
  const { code, stderr } = await cube(['exec', 't', 'exit', '256'], { env });
  assert.equal(code, 255);
  assert.match(stderr, /exit code is 256/);
});

/** What the command line says is to be run, and the switches. */
function read(...argv: readonly string[]) {
  const { input, global } = readOptions('exec', command, splitArgv(['exec', ...argv]));
  return { task: input.args, command: input.rest, it: `${input.flag('stdin') ? 'i' : ''}${input.flag('tty') ? 't' : ''}`, global };
}

test('what follows the task is the command, with or without --, and its options are its own', () => {
  const lines: readonly (readonly [string[], string[], string])[] = [
    [['t', '--', 'echo', '-n', '007'], ['echo', '-n', '007'], ''],
    [['t', 'echo', '-o', 'json', '--help'], ['echo', '-o', 'json', '--help'], ''],
    [['-i', 't', 'ls', '-t'], ['ls', '-t'], 'i'],
    [['t', 'echo', 'a', '--', '-i', ''], ['echo', 'a', '--', '-i', ''], ''],
    [['t', '--', 'echo', '--', 'b'], ['echo', '--', 'b'], ''],
    [['t', '-i', '--', 'echo'], ['echo'], 'i'],
    [['-it', 't', 'sh'], ['sh'], 'it'],
    [['t', '-it', '--', 'sh', '-i'], ['sh', '-i'], 'it'],
    [['-q', '--host', 'h:1', 't', 'echo', '--host', 'x'], ['echo', '--host', 'x'], ''],
  ];
  for (const [argv, words, it] of lines) {
    const seen = read(...argv);
    assert.deepEqual([seen.task, seen.command, seen.it, seen.global.json], [['t'], words, it, false], argv.join(' '));
  }
  assert.equal(read('-o', 'json', 't', 'ls').global.json, true);
  assert.throws(() => read('t', '-i', 'more', '--', 'ls'), { code: 'usage' });
  assert.throws(() => read('-x', 't', 'ls'), { code: 'usage', message: /no option -x/ });
  assert.throws(() => read(), { code: 'usage', message: /missing required args/ });
});

test('a command that is none is a usage error with an example', async () => {
  for (const [args, words] of [
    [['exec', 't', '--'], /needs a command[\s\S]*cube exec shop\/web\.1 -- ls -l/],
    [['exec', 't', '-it', 'sh'], /"-it" is no command[\s\S]*before the task/],
    [['exec', '-it', 't', 'sh'], /-t needs a terminal[\s\S]*leave -t out/],
  ] as const) {
    const { code, stderr } = await cube(args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, words);
  }
});

test('stdin goes along with -i to its end, and not without', async (t) => {
  const { server, env } = await node(t);
  const input = 'größer, '.repeat(100_000);
  const piped = await cube(['exec', '-i', 't', '--', 'cat'], { env, input });
  assert.deepEqual([piped.stdout === input, piped.code], [true, 0]);
  assert.equal((await cube(['exec', '-i', 't', '--', 'cat'], { env, input: '' })).stdout, '');
  assert.equal((await cube(['exec', 't', '--', 'echo', 'x'], { env, input })).stdout, 'x');
  assert.deepEqual([server.commands[2]!.open.stdin, server.commands[2]!.inputBytes], [false, 0]);
});

test('a command that ends before its input is no reason to wait', async (t) => {
  const { env } = await node(t);
  const { child, ended } = startCube(['exec', '-i', 't', '--', 'exit', '4'], { env, input: 'x'.repeat(10_000_000) });
  assert.equal((await ended).code, 4);
  assert.equal(child.exitCode, 4);
});

test('Ctrl-C without a terminal ends the session, and is exit 130; a SIGTERM is 143', async (t) => {
  const { server, env } = await node(t);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { child, ended } = startCube(['exec', 't', '--', 'wait'], { env });
    const begun = server.commands.length;
    while (server.commands.length === begun) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill(signal);
    assert.equal((await ended).code, code);
    while (!server.commands.at(-1)!.over) await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test('a reader that goes away ends the session', async (t) => {
  const { server, env } = await node(t);
  const { child, ended } = startCube(['exec', 't', '--', 'flood'], { env });
  child.stdout.once('data', () => child.stdout.destroy());
  await ended;
  while (!server.commands[0]!.over) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('errors of the node have their exit codes', async (t) => {
  const { env } = await node(t, async function* ({ task }) {
    if (task === 'pending') throw problem('not-running', 'task shop/web.1 does not run: it is pending');
    if (task === 'many') throw problem('conflict', 'job many has 2 tasks that run: many/t.1, many/t.2', { hint: 'name one of them' });
    if (task === 'wrong') throw problem('bad-command', 'no such file');
    yield { kind: 'started' };
    throw problem('cut-off', 'the node stops');
  });
  const outcomes = ['pending', 'many', 'wrong', 'cut'].map(async (task) => {
    const { code, stderr } = await cube(['exec', task, '--', 'x'], { env });
    return [code, stderr.split('\n')[0]];
  });
  assert.deepEqual(await Promise.all(outcomes), [
    [1, 'cube: task shop/web.1 does not run: it is pending'],
    [5, 'cube: job many has 2 tasks that run: many/t.1, many/t.2'],
    [127, 'cube: no such file'],
    [3, 'cube: the node stops'],
  ]);
  const json = await cube(['exec', '-o', 'json', 'pending', '--', 'x'], { env });
  assert.deepEqual([(JSON.parse(json.stdout) as { error: { code: string } }).error.code, json.code], ['not-running', 1]);
});

test('a task that is not there is exit 4, with the name that was probably meant', async (t) => {
  const manager = await FakeManager.start(t);
  manager.status = aStatus([aJob({})], [aTask()]);
  const { code, stderr } = await cube(['exec', 'shop/wbe.1', '--', 'ls'], { env: { CUBE_HOST: manager.url, CUBE_TOKEN: 'x' } });
  assert.equal(code, 4);
  assert.match(stderr, /there is no task or job "shop\/wbe\.1"; did you mean shop\/web\.1\?/);
});

test('a terminal passes every key and each new size on, and is as before in the end', { skip: noTerminal }, async (t) => {
  const { server, env } = await node(t, keys);
  const terminal = startInTerminal(t, ['exec', '-it', 't', '--', 'keys'], { env, columns: 100, rows: 30 });
  await terminal.saw('100x30');
  terminal.type('\u0003');
  await terminal.saw('03\r');
  terminal.type('\u001a');
  await terminal.saw('1a\r');
  await terminal.resize(123, 41);
  await terminal.saw('now 123x41');
  terminal.type('q');
  assert.match(await terminal.ended, /code=5 canonical=yes/);
  assert.deepEqual(server.commands[0]!.open, { task: 't', command: ['keys'], tty: true, stdin: true, size: { columns: 100, rows: 30 } });
});

test('a terminal is given back whatever ends the session', { skip: noTerminal }, async (t) => {
  const { server, env } = await node(t, keys);
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    const terminal = startInTerminal(t, ['exec', '-it', 't', '--', 'keys'], { env, columns: 80, rows: 24 });
    await terminal.saw('80x24');
    process.kill(terminal.pid, signal);
    assert.match(await terminal.ended, new RegExp(`code=${code} canonical=yes`), signal);
  }
  const terminal = startInTerminal(t, ['exec', '-it', 't', '--', 'keys'], { env, columns: 80, rows: 24 });
  await terminal.saw('80x24');
  await server.stop();
  assert.match(await terminal.ended, /the session has ended: the node stops[\s\S]*code=3 canonical=yes/);
});

test('without -i a terminal keeps its keys: Ctrl-C ends the session', { skip: noTerminal }, async (t) => {
  const { server, env } = await node(t, keys);
  const terminal = startInTerminal(t, ['exec', '-t', 't', '--', 'keys'], { env, columns: 80, rows: 24 });
  await terminal.saw('80x24');
  terminal.type('\u0003');
  assert.match(await terminal.ended, /code=130 canonical=yes/);
  assert.equal(server.commands[0]!.open.stdin, false);
});
