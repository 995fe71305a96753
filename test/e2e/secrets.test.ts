/** Secrets and configs with a real engine: tasks find them as files, a change rolls them, and what they hold is nowhere else. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { FileJson, FileSetJson } from '../../src/core/file-view.ts';
import { label } from '../../src/core/ids.ts';
import { testEngine } from '../support/engine.ts';
import { startNode, type NodeProcess, type NodeSettings } from '../support/node-process.ts';
import { containers, document, done, eventually, inspect, running, submit, tasksOf } from './help.ts';

const { skip } = await testEngine();

/** Nothing else in a data directory or in an answer looks like it. */
const marker = 'MARKER-5f1c9e';

const service = `name: shop
tasks:
  web:
    image: busybox:latest
    command: [/bin/sh, -c, "cat /run/secrets/db /etc/site.conf; ls -l /run/secrets/db; exec sleep 10000"]
    secrets: {db: /run/secrets/db}
    configs: {site: /etc/site.conf}
    user: "1000"
    stopGrace: 0s
`;

/** A node that leaves nothing in memory when its test is over. */
async function startClean(t: TestContext, settings: NodeSettings = {}): Promise<NodeProcess> {
  const node = await startNode(t, settings);
  const { nodeId } = node;
  t.after(async () => {
    for (const base of ['/run/cube', '/dev/shm/cube'].filter((path) => existsSync(path)))
      for (const cluster of readdirSync(base)) {
        await rm(join(base, cluster, nodeId), { recursive: true, force: true });
        if (readdirSync(join(base, cluster)).length === 0) await rmdir(join(base, cluster));
      }
  });
  return node;
}

/** All files of a directory that hold a text. */
function filesWith(directory: string, text: string): string[] {
  const all = readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => readFileSync(path).includes(text));
}

async function set(node: NodeProcess, kind: 'secret' | 'config', name: string, value: string): Promise<FileSetJson> {
  return document(done(await node.cube([kind, 'set', name, '-o', 'json'], { input: value })).stdout) as FileSetJson;
}

/** Where the files of a node's tasks are mounted from, by container. */
async function sources(node: NodeProcess): Promise<string[]> {
  const all = await Promise.all((await containers({ [label.node]: node.nodeId })).map(({ Id }) => inspect(Id)));
  return all.flatMap(({ Mounts }) => Mounts.map(({ Source }) => Source));
}

test('a task finds its secret and its config; a new value rolls it, and what they hold is nowhere else', { skip }, async (t) => {
  const node = await startClean(t);
  const early = await node.cube(['submit', '-'], { input: service });
  assert.deepEqual(
    [early.code, /no secret "db"[^]*no config "site"[^]*cube secret set NAME FILE/.test(early.stderr)],
    [4, true],
    early.stderr,
  );

  assert.deepEqual(pick(await set(node, 'secret', 'db', `${marker}-1\n`)), [1, 'created']);
  await set(node, 'config', 'site', `${marker}-site\n`);
  assert.deepEqual(pick(await set(node, 'secret', 'db', `${marker}-1\n`)), [1, 'unchanged']);
  await submit(node, service);
  const output = await eventually('it has said all', async () => {
    const { stdout } = await node.cube(['logs', 'shop/web.1']);
    return /secrets\/db$/m.test(stdout) && stdout;
  });
  assert.match(output, new RegExp(`^${marker}-1\n${marker}-site\n-r--r--r-- +1 (?:root|0) `));
  const [first] = await running(node, 'shop');
  const places = await sources(node);
  assert.equal(places.length, 2);
  for (const place of places) assert.match(place, /^\/(run|dev\/shm)\/cube\//);
  const folder = join(places[0]!, '..');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal((await node.cube(['exec', 'shop/web.1', '--', '/bin/sh', '-c', 'echo x >> /run/secrets/db'])).code, 1);

  const used = await node.cube(['secret', 'rm', 'db']);
  assert.deepEqual([used.code, /used by job shop/.test(used.stderr)], [5, true], used.stderr);
  const planned = await node.cube(['plan', '-'], { input: service });
  assert.equal(planned.code, 0, planned.stdout + planned.stderr);

  assert.deepEqual(pick(await set(node, 'secret', 'db', `${marker}-2`)), [2, 'updated']);
  await eventually('the new value is seen', async () => {
    const { code, stdout } = await node.cube(['exec', 'shop/web.1', '--', '/bin/cat', '/run/secrets/db']);
    return code === 0 && stdout === `${marker}-2`;
  });
  const [second] = await eventually('one is left', async () => {
    const list = await running(node, 'shop');
    return list.length === 1 && list;
  });
  assert.notEqual(second!.Id, first!.Id);
  await eventually('what the first had is gone', async () => !existsSync(folder));
  const listed = document(done(await node.cube(['secret', 'ls', '-o', 'json'])).stdout) as readonly FileJson[];
  assert.deepEqual(
    listed.map(({ name, version, usedBy, bytes }) => [name, version, usedBy.join(), bytes]),
    [['db', 2, 'shop', marker.length + 2]],
  );

  // The logs of the task hold what it printed itself.
  const told = [
    node.stderr,
    done(await node.cube(['events', '-o', 'json'])).stdout,
    done(await node.cube(['status', 'shop', '-o', 'json'])).stdout,
  ];
  for (const text of told) assert.ok(!text.includes(marker));
  await node.kill();
  const kept = filesWith(node.data, marker).filter((path) => !path.includes('/logs/'));
  assert.deepEqual(kept, []);
  assert.equal(statSync(join(node.data, 'secrets.key')).mode & 0o777, 0o600);
});

function pick({ version, change }: FileSetJson): unknown[] {
  return [version, change];
}

test(
  'a container that is made anew finds its files though the manager is away, and none are left when the task has ended',
  { skip },
  async (t) => {
    const manager = await startClean(t, { command: 'manager' });
    const worker = await startClean(t, {
      command: 'worker',
      args: ['--name', 'w1', '--join', manager.url, '--join-token-file', join(manager.data, 'join.token')],
    });
    await set(manager, 'secret', 'db', marker);
    await set(manager, 'config', 'site', 'site');
    await submit(manager, service.replace('cat /run/secrets/db /etc/site.conf; ', ''));
    const [place] = await sources(worker);
    const [before] = await running(worker, 'shop');
    await manager.kill();
    await worker.kill();
    await worker.start();
    await (await testEngine()).docker.getContainer(before!.Id).kill();
    const [after] = await eventually('there is another', async () => {
      const list = (await running(worker, 'shop')).filter(({ Id }) => Id !== before!.Id);
      return list.length > 0 && list;
    });
    assert.deepEqual((await inspect(after!.Id)).Mounts.map(({ Source }) => Source).includes(place!), true);
    assert.deepEqual(filesWith(worker.data, marker), []);

    await manager.start();
    done(await manager.cube(['stop', 'shop', '--purge']));
    await eventually('nothing is left in memory', async () => !existsSync(join(place!, '..')));
    done(await manager.cube(['secret', 'rm', 'db']));
    assert.equal((await manager.cube(['secret', 'rm', 'db'])).code, 4);
  },
);

test('without the key secrets stay sealed, loudly; with it they open again', { skip }, async (t) => {
  const node = await startClean(t);
  await set(node, 'secret', 'db', marker);
  await set(node, 'config', 'site', 'site');
  await node.kill();
  const key = join(node.data, 'secrets.key');
  await rename(key, `${key}.away`);
  await node.start();
  assert.match(node.stderr, /2 secrets and configs cannot be opened: .* its key is missing/);
  const refused = await node.cube(['secret', 'set', 'db', '-'], { input: 'other' });
  assert.deepEqual([refused.code, /key .* is missing/.test(refused.stderr), existsSync(key)], [1, true, false], refused.stderr);
  done(await node.cube(['submit', '-', '--detach'], { input: service }));
  const waits = await eventually('its task says what it waits for', async () => {
    const [task] = await tasksOf(node, 'shop');
    return task?.state === 'preparing' && /waits for its secrets/.test(task.detail ?? '') && `${task.detail}`;
  });
  assert.match(waits, /its key is missing/);
  await node.kill();
  await rename(`${key}.away`, key);
  await node.start();
  await eventually('it runs', async () => (await tasksOf(node, 'shop')).some(({ state }) => state === 'running'));
});

test('a restore says that the key is needed', { skip }, async (t) => {
  const node = await startClean(t);
  await set(node, 'secret', 'db', marker);
  const file = join(node.data, 'cube.backup');
  done(await node.cube(['backup', file]));
  assert.ok(!readFileSync(file).includes(marker));
  await node.kill();
  const other = join(node.data, 'elsewhere');
  const fresh = done(await node.cube(['restore', file, '--data', other]));
  assert.match(fresh.stderr, /need the secrets\.key of the manager that was backed up/);
  const here = done(await node.cube(['restore', file, '--force']));
  assert.doesNotMatch(here.stderr, /secrets\.key/);
});
