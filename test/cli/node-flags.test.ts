import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Command, Context } from '../../src/cli/command.ts';
import { command as manager } from '../../src/cli/commands/manager.ts';
import { command as up } from '../../src/cli/commands/up.ts';
import { joinSpecs, nodeSpecs, readNodeOptions } from '../../src/cli/node-flags.ts';
import type { NodeKind } from '../../src/cli/node-flags.ts';
import { readOptions, splitArgv } from '../../src/cli/options.ts';
import type { CubeError } from '../../src/core/errors.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { policyNames } from '../../src/core/placement.ts';
import { cube, fileWith } from './run-cli.ts';

const sample: Command = { usage: 'up', summary: '', options: [...nodeSpecs, ...joinSpecs], examples: [], run: async () => 0 };
const both: NodeKind = { roles: { manager: true, worker: true }, port: 5555 };

function read(argv: readonly string[], env: NodeJS.ProcessEnv = { CUBE_DATA: '/data' }, kind = both) {
  const { input } = readOptions('up', sample, splitArgv(['up', ...argv]));
  return readNodeOptions({ input, env } as Partial<Context> as Context, kind);
}

test('a node without options is both roles on loopback, with Docker and all its host has', async () => {
  const options = await read(['--name', 'bar']);
  assert.deepEqual(options, {
    ...options,
    name: 'bar',
    roles: { manager: true, worker: true },
    listen: { host: '127.0.0.1', port: 5555 },
    dataDirectory: '/data',
    workerFolder: 'worker',
    dc: 'dc1',
    labels: {},
    offer: { custom: {} },
    ports: { from: 20_000, to: 29_999 },
    runtime: 'docker',
    workers: [],
    scheduler: 'epvm',
    openLoopback: false,
    stopTasks: false,
    limits: limitsDefault,
  });
  assert.ok(!('join' in options) && !('dockerHost' in options));
});

test('directories that tasks may mount are absolute, each once, and must be there', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cube-mounts-')));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'file'), '');
  assert.deepEqual((await read([])).mounts, []);
  const dots = `${folder}/../${folder.split('/').at(-1)}/`;
  assert.deepEqual((await read(['--allow-mount', folder, '--allow-mount', '/', '--allow-mount', dots])).mounts, [folder, '/']);
  const wrong: readonly (readonly [string, RegExp])[] = [
    [`${folder}/nothing`, /there is no such directory/],
    [`${folder}/file`, /that is no directory/],
    [`${folder}/file/below`, /ENOTDIR/],
    ['', /needs a directory/],
  ];
  for (const [path, message] of wrong) {
    await assert.rejects(read(['--allow-mount', path]), (error: CubeError) => {
      assert.equal(error.code, 'usage');
      assert.match(error.message, message);
      return true;
    });
  }
});

test('each option arrives in its unit', async () => {
  const line =
    '--name 007 --listen 127.0.0.1:0 --data /other --dc 1e3 --label disk=ssd --label n=007 --resource gpu=4 --resource nvidia.com/mig=0.5 --cpu 1.5 --memory 8GiB ' +
    '--disk 1GB --ports 25000-25010 --runtime process --docker-host tcp://h:1 --scheduler roundrobin --open-loopback --stop-tasks ' +
    '--limit slotsMax=3 --log-level debug';
  const options = await read(line.split(' '));
  assert.equal(options.name, '007');
  assert.deepEqual(options.listen, { host: '127.0.0.1', port: 0 });
  assert.deepEqual([options.dataDirectory, options.dc, options.runtime, options.dockerHost], ['/other', '1e3', 'process', 'tcp://h:1']);
  assert.deepEqual(options.labels, { disk: 'ssd', n: '007' });
  assert.deepEqual(options.offer, { cpu: 1.5, memoryBytes: 8 * 2 ** 30, diskBytes: 1e9, custom: { gpu: 4, 'nvidia.com/mig': 0.5 } });
  assert.deepEqual(options.ports, { from: 25_000, to: 25_010 });
  assert.deepEqual([options.scheduler, options.openLoopback, options.stopTasks], ['roundrobin', true, true]);
  assert.deepEqual([options.limits.slotsMax, options.logLevel], [3, 'debug']);
});

test('limits come from CUBE_LIMITS, and --limit wins', async () => {
  const env = { CUBE_DATA: '/data', CUBE_LIMITS: 'slotsMax=1, batchTasksMax=2' };
  const { limits } = await read(['--limit', 'slotsMax=9'], env);
  assert.deepEqual([limits.slotsMax, limits.batchTasksMax], [9, 2]);
});

test('a base that E-PVM cannot score with is refused before anything starts', async () => {
  for (const base of ['1', '0.5', '0']) {
    await assert.rejects(read(['--limit', `epvmBase=${base}`]), {
      code: 'usage',
      message: `limit epvmBase must be greater than 1, not ${base}`,
    });
  }
  await assert.rejects(read([], { CUBE_DATA: '/data', CUBE_LIMITS: 'epvmBase=1' }), /must be greater than 1/);
  assert.equal((await read(['--limit', 'epvmBase=1.01'])).limits.epvmBase, 1.01);
});

test('the data directory is --data, CUBE_DATA, else the XDG data directory', async () => {
  assert.equal((await read(['--data', '/a'])).dataDirectory, '/a');
  assert.equal((await read([])).dataDirectory, '/data');
  assert.match((await read([], {})).dataDirectory, /[/\\]cube$/);
});

test("a worker alone keeps its data in a folder of its own and takes the manager's address without a scheme", async (t: TestContext) => {
  const kind = { roles: { manager: false, worker: true }, port: 5556, ownFolder: true };
  const file = fileWith(t, 'join', 'secret\n');
  const options = await read(['--name', 'two', '--join', '10.0.0.1', '--join-token-file', file], { CUBE_DATA: '/data' }, kind);
  assert.deepEqual([options.workerFolder, options.listen.port], ['worker-two', 5556]);
  assert.deepEqual(options.join, { url: 'http://10.0.0.1:5555', token: 'secret' });
  const fromEnv = await read(['--join', 'm:1'], { CUBE_DATA: '/data', CUBE_JOIN_TOKEN: 'env-secret' }, kind);
  assert.deepEqual(fromEnv.join, { url: 'http://m:1', token: 'env-secret' });
});

test('what does not fit is refused with what would', async () => {
  const bad: [string[], RegExp][] = [
    [['--name', '../x'], /may hold letters/],
    [['--name', ''], /may hold letters/],
    [['--listen', 'a:b'], /--listen needs host:port/],
    [['--listen', ':70000'], /--listen needs host:port/],
    [['--cpu', 'two'], /--cpu needs a number/],
    [['--memory', '8XB'], /--memory needs a size like 8GiB, not "8XB"/],
    [['--ports', '9-3'], /--ports needs from-to/],
    [['--ports', '0-3'], /--ports needs from-to/],
    [['--resource', 'gpu=many'], /--resource gpu needs a number/],
    [['--resource', 'gpu'], /needs key=value/],
    [['--resource', 'gpu='], /--resource gpu needs a number of 0 or more, as in gpu=4, not ""/],
    [['--resource', 'gpu=-1'], /--resource gpu needs a number/],
    [['--resource', `gpu=${'9'.repeat(400)}`], /--resource gpu needs a number/],
    [['--resource', 'cpu=4'], /--resource cpu is said with --cpu/],
    [['--resource', 'mem=4'], /did you mean "memory"\?/],
    [['--resource', 'slots=4'], /choose another name/],
    [['--resource', 'a b=4'], /expected a resource name/],
    [['--runtime', 'podman'], /--runtime is one of docker, process/],
    [['--scheduler', 'epmv'], /did you mean epvm\?/],
    [['--store', 'redis'], /--store is level/],
    [['--limit', 'slotMax=3'], /did you mean "slotsMax"\?/],
    [['--limit', 'slotsMax'], /a limit is name=value/],
    [['--limit', 'slotsMax=x'], /needs a number of 0 or more/],
    [['--join-token-file', 'x'], /goes with --join/],
    [['--join', 'm:1', '--join-token-file', '/no/such/file'], /join token cannot be read/],
  ];
  for (const [argv, message] of bad) await assert.rejects(read(argv), message, argv.join(' '));
});

test('every policy can be chosen; E-PVM unless told', async () => {
  for (const name of policyNames) assert.equal((await read(['--scheduler', name])).scheduler, name);
  assert.equal((await read([])).scheduler, 'epvm');
});

test('what later versions have says so', async () => {
  await assert.rejects(read(['--store', 'etcd://a:1,b:2']), /is not in this version yet/);
  for (const argv of [['--ha'], ['--drain-on-stop']]) assert.throws(() => read(argv), /is not in this version yet/);
  await read(['--store', 'level']);
});

function refusalOf(command: Command, ...argv: string[]): Promise<number> {
  const { input } = readOptions('up', command, splitArgv(['up', ...argv]));
  return command.run({ input, env: { CUBE_DATA: '/data' } } as Partial<Context> as Context);
}

test('roles are manager, worker or both; one that joins is a worker', async () => {
  await assert.rejects(refusalOf(up, '--role', 'boss'), /--role is manager, worker or both/);
  await assert.rejects(refusalOf(up, '--role', 'manager,wroker'), /did you mean worker\?/);
  await assert.rejects(refusalOf(up, '--role', 'manager', '--join', 'm:1'), /a manager that joins others is not in this version yet/);
});

test("a manager's workers are host:port", async () => {
  await assert.rejects(refusalOf(manager, '--workers', 'a:1,b'), /--workers needs host:port,host:port, not "b"/);
});

test('a worker takes --port or --listen', async () => {
  const { code, stderr } = await cube(['worker', '--port', '1', '--listen', '127.0.0.1:2']);
  assert.equal(code, 2);
  assert.match(stderr, /say the same/);
});
