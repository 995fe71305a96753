import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands, laterCommands } from '../../src/cli/registry.ts';
import { cubeVersion } from '../../src/cli/package-info.ts';
import { jobTemplate } from '../../src/cli/job-template.ts';
import { parseJobFile } from '../../src/core/job-file/index.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { cube, cubeCommand, tempDirectory } from './run-cli.ts';

test('every command has a help with an example that starts with cube', async () => {
  for (const [name, entry] of Object.entries(commands)) {
    const { command } = await entry.load();
    assert.ok(command.examples.length > 0, name);
    for (const [line] of command.examples) assert.match(line, /cube /, name);
    assert.ok(command.usage.split(' ')[0] === name || entry.hidden, `${name} is used as ${command.usage}`);
  }
});

test('no command is both here and later', () => {
  assert.deepEqual(
    laterCommands.filter((name) => Object.hasOwn(commands, name)),
    [],
  );
});

test('help goes to stdout with exit 0, of all commands and of one', async () => {
  for (const args of [[], ['--help'], ['help'], ['-h']]) {
    const { code, stdout, stderr } = await cube(args);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    assert.match(stdout, /Usage: cube COMMAND/);
    assert.match(stdout, /submit +run a job file/);
  }
  const one = await cube(['stop', '--help']);
  assert.match(one.stdout, /Usage: cube stop <ref>[\s\S]*--purge[\s\S]*Examples:\n +cube stop shop/);
  assert.equal((await cube(['help', 'stop'])).stdout, one.stdout);
  const json = JSON.parse((await cube(['stop', '--help', '-o', 'json'])).stdout) as { usage: string };
  assert.equal(json.usage, 'cube stop <ref>');
});

test('the help of exec tells what becomes of a command that is left', async () => {
  assert.match(
    (await cube(['exec', '--help'])).stdout,
    /passed on\.\nA command that still runs .* goes on in the container.*\.\n\nUsage: /,
  );
  const json = JSON.parse((await cube(['exec', '--help', '-o', 'json'])).stdout) as { note?: string };
  assert.match(json.note ?? '', /goes on in the container/);
});

/** What a command says on stderr, and its exit code, when its stdout is a full disk. */
function onFullDisk(args: readonly string[]): { readonly code: number | null; readonly stderr: string } {
  const [program, ...rest] = cubeCommand(args);
  const full = openSync('/dev/full', 'w');
  try {
    const { status, stderr } = spawnSync(program!, rest, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    return { code: status, stderr };
  } finally {
    closeSync(full);
  }
}

test('an output that cannot be written is one line on stderr and exit 1', () => {
  for (const args of [['--help'], ['machines', '-o', 'json'], ['completion', 'bash']]) {
    const { code, stderr } = onFullDisk(args);
    assert.deepEqual([code, stderr], [1, 'cube: stdout cannot be written: no space left on device\n'], args.join(' '));
  }
});

test('an unknown command is exit 2 with the one that was meant', async () => {
  const { code, stdout, stderr } = await cube(['sbumit', 'x']);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^cube: there is no command "sbumit"; did you mean `cube submit`\?\nhint: /);
});

test('a command of a later version says so, in words and in JSON', async () => {
  const human = await cube(['drain', 'x']);
  assert.equal(human.code, 2);
  assert.match(human.stderr, /`cube drain` is not in this version yet/);
  const json = await cube(['drain', 'a', '-o', 'json', '--', 'ls']);
  assert.equal(json.code, 2);
  const { error } = JSON.parse(json.stdout) as { error: { code: string; message: string } };
  assert.deepEqual([error.code, error.message, json.stderr], ['not-yet', '`cube drain` is not in this version yet', '']);
});

test('an unknown option is exit 2 with the nearest one and the help to read', async () => {
  const { code, stderr } = await cube(['status', '--wacth']);
  assert.equal(code, 2);
  assert.match(stderr, /cube status has no option --wacth; did you mean --watch\?\nhint: see `cube status --help`/);
  assert.equal((await cube(['--nonsense'])).code, 2);
});

test('no node: exit 3, how to get one, and as JSON one document', async () => {
  const human = await cube(['status']);
  assert.equal(human.code, 3);
  assert.match(human.stderr, /cube up/);
  const json = await cube(['nodes', '-o', 'json']);
  assert.equal(json.code, 3);
  assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'unreachable');
});

test('a host that refuses connections is exit 3', async () => {
  const { code, stderr } = await cube(['status', '--host', '127.0.0.1:1']);
  assert.equal(code, 3);
  assert.match(stderr, /cannot reach http:\/\/127\.0\.0\.1:1: connection refused/);
});

test('version tells cube and Node.js without a server', async () => {
  const { code, stdout } = await cube(['version', '-o', 'json']);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), { cube: cubeVersion(), node: process.versions.node, server: null });
  assert.match(cubeVersion(), /^\d+\.\d+\.\d+/);
  assert.equal((await cube(['--version', '-q'])).stdout, `${cubeVersion()}\n`);
});

test('init writes a job file that is valid, once', async (t) => {
  const cwd = tempDirectory(t);
  const first = await cube(['init', '007.yaml'], { cwd });
  assert.deepEqual([first.code, first.stdout], [0, '007.yaml\n']);
  const text = readFileSync(join(cwd, '007.yaml'), 'utf8');
  assert.equal(parseJobFile(text, '007.yaml', limitsDefault).spec.name, 'hello');
  const second = await cube(['init', '007.yaml', '-o', 'json'], { cwd });
  assert.equal(second.code, 5);
  assert.match((JSON.parse(second.stdout) as { error: { message: string } }).error.message, /007\.yaml is there already/);
  assert.equal((await cube(['init', '-'], { cwd })).stdout, jobTemplate);
});

test('every option that the job template shows in a comment is accepted', () => {
  const open = jobTemplate.replaceAll(
    /^( *)# (datacenters|priority|labels|ports|restart|health|constraints|affinity|spread|maxPerNode|stopSignal)/gm,
    '$1$2',
  );
  const { spec } = parseJobFile(open, 'job.yaml', limitsDefault);
  assert.deepEqual(spec.datacenters, ['dc1']);
  assert.equal(spec.tasks['web']!.ports.length, 2);
  assert.deepEqual(
    [spec.tasks['web']!.constraints?.length, spec.tasks['web']!.spread, spec.tasks['web']!.maxPerNode],
    [2, 'datacenter', 2],
  );
});

test('completion prints a script for each shell and refuses others', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const { code, stdout } = await cube(['completion', shell]);
    assert.equal(code, 0);
    assert.match(stdout, /cube complete/);
  }
  const bad = await cube(['completion', 'bahs']);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /did you mean bash\?/);
});

test('completing offers commands, options and their values, and is silent without a node', async () => {
  const words = async (...typed: string[]): Promise<string[]> => {
    const { code, stdout, stderr } = await cube(['complete', '--', ...typed]);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]!);
  };
  assert.deepEqual((await words('st')).slice(0, -1).toSorted(), ['start', 'status', 'stop']);
  assert.ok((await words('submit', '--')).includes('--dry-run'));
  assert.deepEqual((await words('up', '--runtime', '')).slice(0, -1), ['docker', 'process']);
  assert.deepEqual((await words('stop', '')).slice(0, -1), []);
});

test('machines lists them all, and exports one', async () => {
  const list = JSON.parse((await cube(['machines', '-o', 'json'])).stdout) as { name: string; states: string[]; events: string[] }[];
  const task = list.find(({ name }) => name === 'task');
  assert.ok(task?.states.includes('running') && task.events.length > 0);
  assert.match((await cube(['machines', 'task', '--format', 'mermaid'])).stdout, /^stateDiagram-v2\n/);
  const json = await cube(['machines', 'task', '--format', 'json', '-o', 'json']);
  assert.equal((JSON.parse(json.stdout) as { id: string }).id, 'task');
  const unknown = await cube(['machines', 'tsak']);
  assert.equal(unknown.code, 4);
  assert.match(unknown.stderr, /did you mean task\?\nhint: `cube machines` lists them/);
  assert.equal((await cube(['machines', '--format', 'json'])).code, 2);
  assert.equal((await cube(['machines', 'task', '--format', 'svg'])).code, 2);
});
