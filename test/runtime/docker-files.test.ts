/** Files of tasks in the host's memory: private, whole, read-only in the container, and nowhere else. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { CubeError } from '../../src/core/errors.ts';
import { noResources } from '../../src/core/resources.ts';
import { memoryFolders, openDockerFiles } from '../../src/runtime/docker/files.ts';

const db = { kind: 'secret', name: 'db', version: 2 } as const;
const site = { kind: 'config', name: 'site.conf', version: 1 } as const;
const content = Buffer.from([0, 1, 255, 10]);
const isCode = (code: string) => (error: CubeError) => error.code === code;

/** A folder in memory for one test. */
function memory(t: TestContext): string {
  const folder = mkdtempSync('/dev/shm/cube-test-');
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function owner() {
  return { clusterId: randomUUID(), nodeId: randomUUID() };
}

function own(folder: string): string {
  const [name] = readdirSync(folder);
  return join(folder, name!);
}

test('what is put is there, private to its task, until it is removed', async (t) => {
  const folder = memory(t);
  const who = owner();
  const files = openDockerFiles(who, [folder]);
  assert.deepEqual(await files.tasks(), []);
  assert.deepEqual(readdirSync(folder), [], 'nothing is made before it is needed');
  assert.deepEqual(await files.missing('t1', [db, site]), [db, site]);
  await files.put('t1', db, content);
  await files.put('t1', db, content);
  await files.put('t2', site, Buffer.alloc(0));
  assert.deepEqual(await files.missing('t1', [db, site]), [site]);
  assert.deepEqual(await files.missing('t1', [{ ...db, version: 3 }]), [{ ...db, version: 3 }]);
  const place = join(own(folder), who.clusterId, who.nodeId, 't1');
  for (const path of [own(folder), place]) assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(place), ['secret-db-2']);
  assert.equal(statSync(join(place, 'secret-db-2')).mode & 0o777, 0o444);
  assert.deepEqual(readFileSync(join(place, 'secret-db-2')), content);

  const again = openDockerFiles(who, [folder]);
  assert.deepEqual([...(await again.tasks())].toSorted(), ['t1', 't2']);
  await again.remove('t1');
  await again.remove('t1');
  assert.deepEqual(await again.tasks(), ['t2']);
  assert.deepEqual(await openDockerFiles(owner(), [folder]).tasks(), []);
});

test('a folder on a disk is passed over, and without memory nothing is put anywhere', async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'cube-files-'));
  t.after(() => rm(disk, { recursive: true, force: true }));
  const folder = memory(t);
  const isDisk =
    !tmpdir().startsWith('/dev/shm') && (await import('node:fs/promises')).statfs(disk).then(({ type }) => type !== 0x01021994);
  if (await isDisk) {
    await assert.rejects(openDockerFiles(owner(), [disk]).put('t', db, content), isCode('engine-error'));
    await openDockerFiles(owner(), ['/no/such/folder', disk, folder]).put('t', db, content);
    assert.deepEqual(readdirSync(disk), []);
  }
  await assert.rejects(openDockerFiles(owner(), []).put('t', db, content), isCode('engine-error'));
  await assert.rejects(openDockerFiles(owner(), ['/no/such/folder']).missing('t', [db]), isCode('engine-error'));
});

test('a place that somebody else may have made is not used: a link is no directory', async (t) => {
  const [folder, elsewhere] = [memory(t), memory(t)];
  symlinkSync(elsewhere, join(folder, process.getuid!() === 0 ? 'cube' : `cube-${process.getuid!()}`));
  await assert.rejects(openDockerFiles(owner(), [folder]).put('t', db, content), isCode('engine-error'));
  assert.deepEqual(readdirSync(elsewhere), []);
});

test('a directory that others may enter is closed to them', async (t) => {
  const folder = memory(t);
  const path = join(folder, process.getuid!() === 0 ? 'cube' : `cube-${process.getuid!()}`);
  mkdirSync(path, { mode: 0o755 });
  await openDockerFiles(owner(), [folder]).put('t', db, content);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test('no name leads out of the directory of its task', async (t) => {
  const files = openDockerFiles(owner(), [memory(t)]);
  for (const task of ['..', '.', '', 'a/b', '../x']) await assert.rejects(files.put(task, db, content), isCode('engine-error'), task);
  for (const name of ['../x', 'a/b']) await assert.rejects(files.put('t', { ...db, name }, content), isCode('engine-error'), name);
});

test('the places that are tried are the usual ones', () => {
  assert.deepEqual(memoryFolders({}), ['/run', '/dev/shm']);
  assert.deepEqual(memoryFolders({ XDG_RUNTIME_DIR: '/run/user/7' }), ['/run', '/dev/shm', '/run/user/7']);
});

test('a host without memory for them says that it has no files, and warns', async (t) => {
  const facts = {
    name: 'docker',
    version: '1',
    capacity: noResources,
    os: 'linux',
    arch: 'x64',
    features: ['volumes', 'files'],
    warnings: [],
  } as const;
  assert.deepEqual(await openDockerFiles(owner(), ['/no/such/folder', memory(t)]).told(facts), facts);
  for (const folders of [[], ['/no/such/folder'], ['/proc']]) {
    const told = await openDockerFiles(owner(), folders).told(facts);
    assert.deepEqual(told.features, ['volumes']);
    assert.match(told.warnings.join(), /no tmpfs/);
  }
});
