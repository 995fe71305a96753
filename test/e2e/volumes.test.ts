/** Data that outlives its job, on a real engine; and directories of the host. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { VolumeJson } from '../../src/core/volume-view.ts';
import { testEngine } from '../support/engine.ts';
import { sharedNode, type NodeProcess } from '../support/node-process.ts';
import { document, done, inspect, running, submit, tasksOf } from './help.ts';

const { docker, skip } = await testEngine();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cube-e2e-mount-')));
const run = randomUUID().slice(0, 8);
const theNode = sharedNode({ args: ['--allow-mount', join(folder, 'srv')] });
mkdirSync(join(folder, 'srv/x'), { recursive: true });

after(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (skip) return;
  const { Volumes } = await docker.listVolumes();
  // Cube leaves them; those of this run are known by its jobs' names.
  for (const { Name } of Volumes) if (Name.includes(run)) await docker.getVolume(Name).remove({ force: true });
});

/** Each start of an instance adds its slot's index to a file in its volume. */
function counter(job: string, count: number, volume: string, more = ''): string {
  const script = 'echo $CUBE_INDEX >> /data/starts; sleep 10000';
  return `name: ${job}\ntasks:\n  db:\n    image: busybox:latest\n    count: ${count}\n    command: [sh, -c, "${script}"]\n    stopGrace: 0s\n    volumes: ["${volume}:/data"]\n${more}`;
}

async function volumesOf(node: NodeProcess, job: string): Promise<readonly VolumeJson[]> {
  const all = document(done(await node.cube(['volume', 'ls', '-o', 'json'])).stdout) as readonly VolumeJson[];
  return all.filter((one) => one.job === job);
}

/** What a slot's container finds in its volume. */
async function starts(node: NodeProcess, slot: string): Promise<string[]> {
  const { stdout } = done(await node.cube(['exec', slot, '--', 'cat', '/data/starts']));
  return stdout.trim().split('\n');
}

test('data outlives a stop, a start, a purge and a restart of the node; each instance has its own', { skip }, async () => {
  const node = await theNode();
  const job = `keep-${run}`;
  const file = counter(job, 2, 'data-${CUBE_INDEX}');
  await submit(node, file);
  assert.deepEqual(await starts(node, `${job}/db.2`), ['2']);
  const [first, second] = await volumesOf(node, job);
  assert.deepEqual([first?.slot, first?.volumes, first?.inUse, first?.nodeId], [`${job}/db.1`, [`${job}_data-1`], true, node.nodeId]);
  assert.deepEqual([second?.slot, second?.volumes], [`${job}/db.2`, [`${job}_data-2`]]);
  const conflict = await node.cube(['volume', 'release', `${job}/db.1`]);
  assert.equal(conflict.code, 5, conflict.stderr);
  done(await node.cube(['stop', job]));
  done(await node.cube(['start', job]));
  assert.deepEqual(await starts(node, `${job}/db.1`), ['1', '1']);
  done(await node.cube(['stop', job, '--purge']));
  assert.equal((await volumesOf(node, job)).filter(({ inUse }) => !inUse).length, 2, 'kept, and used by nobody');
  await node.interrupt();
  await node.start();
  await submit(node, file);
  assert.deepEqual(await starts(node, `${job}/db.1`), ['1', '1', '1']);
  assert.deepEqual(await starts(node, `${job}/db.2`), ['2', '2', '2']);
  done(await node.cube(['stop', job, '--purge']));
  const { stderr } = done(await node.cube(['volume', 'release', `${job}/db.1`]));
  assert.match(stderr, new RegExp(`docker volume rm ${job}_data-1`));
  assert.deepEqual(
    (await volumesOf(node, job)).map(({ slot }) => slot),
    [`${job}/db.2`],
  );
  assert.equal((await node.cube(['volume', 'release', `${job}/db.1`])).code, 4, 'once is enough');
});

test('a directory of the host is there where it is allowed; a link out of it rejects the task, in words', { skip }, async () => {
  const node = await theNode();
  const job = `host-${run}`;
  writeFileSync(join(folder, 'srv/x/note'), 'hello');
  const file = (path: string): string =>
    counter(job, 1, 'data', `      - "${join(folder, path)}:/host:ro"\n`).replace(
      'volumes: ["data:/data"]',
      'volumes:\n      - "data:/data"',
    );
  await submit(node, file('srv/x'));
  const { stdout } = done(await node.cube(['exec', `${job}/db.1`, '--', 'cat', '/host/note']));
  assert.equal(stdout, 'hello');
  const [container] = await running(node, job);
  const mount = (await inspect(container!.Id)).Mounts.find(({ Destination }) => Destination === '/host');
  assert.deepEqual([mount?.RW, mount?.Source], [false, join(folder, 'srv/x')]);
  done(await node.cube(['stop', job, '--purge']));
  symlinkSync('/etc', join(folder, 'srv/out'));
  const refused = await node.cube(['submit', '-'], { input: file('srv/out') });
  assert.equal(refused.code, 1, refused.stderr);
  const rejected = (await tasksOf(node, job)).find(({ state }) => state === 'rejected');
  assert.match(rejected?.reason ?? '', /srv\/out leads to .*\/etc, which this node does not allow/);
  assert.equal(rejected?.reasonCode, 'bad-mount');
  done(await node.cube(['stop', job, '--purge']));
  const plan = await node.cube(['plan', '-', '-o', 'json'], { input: file('secret') });
  const { unplaced } = document(plan.stdout) as { unplaced: readonly { reasons: readonly { filter: string; detail: string }[] }[] };
  assert.deepEqual(
    unplaced[0]?.reasons.map(({ filter, detail }) => [filter, detail]),
    [['mount', `does not allow ${folder}/secret (cube up --allow-mount ${folder}/secret)`]],
  );
  assert.equal(readFileSync(join(folder, 'srv/x/note'), 'utf8'), 'hello');
});
