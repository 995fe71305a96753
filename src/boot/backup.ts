/** Backups as files: written whole or not at all, and put back while no node runs there. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ClusterIdentity } from '../../actors/manager/leader.ts';
import type { Restored } from '../../actors/manager/losses.ts';
import type { Identity, Seen } from '../../actors/worker/book.ts';
import { realClock } from '../ambient/clock.ts';
import { asCubeError, problem } from '../core/errors.ts';
import type { SealedFile } from '../core/files.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import type { Loaded, Put } from '../ports/store.ts';
import { readBackup, type BackupSummary } from '../store/backup.ts';
import { checkFree, openLevelStore } from '../store/level.ts';
import { heldBy } from './data-directory.ts';
import { opensWith, type SealedRecords } from './sealed-records.ts';

/** Says what its user should know. */
type Warn = (message: string) => void;

/**
 * Writes a backup to a file, readable by its owner only. It is read back and checked before it gets its name.
 * @param source its bytes
 * @param force whether a file of that name may be replaced
 * @throws CubeError `conflict` when the file is there, or a folder in its place; `failed` when it cannot be written, what the source throws
 */
export async function saveBackup(source: AsyncIterable<Uint8Array>, file: string, force: boolean): Promise<BackupSummary> {
  checkPlace(file);
  if (!force && existsSync(file))
    throw problem('conflict', `${file} is there already`, { hint: 'name another file, or replace it with --force' });
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    await writeDurably(draft, source);
    const summary = await readBackup(createReadStream(draft), file, () => undefined);
    await rename(draft, file);
    await syncFolder(dirname(file));
    return summary;
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const ofDisk = ['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'ENOSPC', 'EROFS', 'EDQUOT', 'EPERM'].includes(code ?? '');
    if (!ofDisk) throw thrown;
    throw problem('failed', `${file} cannot be written: ${message.replaceAll(draft, file)}`, { hint: 'name another file', cause: thrown });
  } finally {
    await rm(draft, { force: true });
  }
}

/** Refuses a place where no file can be, before anything is read for it. */
function checkPlace(file: string): void {
  if (isFolder(file)) throw problem('conflict', `${file} is a folder`, { hint: 'name a file, such as one in it' });
  const folder = dirname(file);
  if (isFolder(folder)) return;
  const why = existsSync(folder) ? `${folder} is no folder` : `there is no folder ${folder}`;
  throw problem('failed', `${file} cannot be written: ${why}`, { hint: 'make the folder, or name another file' });
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

async function writeDurably(file: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    for await (const chunk of source) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What offline work on a data directory needs. */
export interface OfflineOptions {
  readonly dataDirectory: string;
  readonly limits: Limits;
  /** Cube's version. */
  readonly version: string;
  readonly warn: Warn;
}

/** Whether a manager has its data in a directory. */
export function hasManager(dataDirectory: string): boolean {
  return !isEmpty(join(dataDirectory, 'manager'));
}

/**
 * The bytes of a backup of a manager that does not run.
 * @throws CubeError `data-held` when it does, `store-failed`, `not-found` when there is none
 */
export async function* offlineBackup({ dataDirectory, limits, version, warn }: OfflineOptions): AsyncGenerator<Uint8Array> {
  const directory = join(dataDirectory, 'manager');
  if (isEmpty(directory))
    throw problem('not-found', `no manager has its data in ${dataDirectory}`, { hint: 'give the data directory with --data' });
  const store = openLevelStore({ directory, limits, log: logOf(warn) });
  try {
    const loaded = await loadedBy(dataDirectory, store);
    for (const sentence of loaded.damage) warn(`the store is damaged: ${sentence}`);
    const identity = identityIn(loaded);
    if (identity === undefined) throw problem('store-failed', `${directory} does not say which cluster it is of`);
    yield* store.backup({ ...identity, version, createdAt: realClock().now() });
  } finally {
    await store.close();
  }
}

async function loadedBy(dataDirectory: string, store: { load(): Promise<Loaded> }): Promise<Loaded> {
  try {
    return await store.load();
  } catch (thrown) {
    throw await held(dataDirectory, thrown);
  }
}

function held(dataDirectory: string, thrown: unknown): Promise<Error> {
  return heldBy({ path: dataDirectory, nodeFile: join(dataDirectory, 'node.json') }, asCubeError(thrown, 'store-failed'));
}

function identityIn(loaded: Loaded): ClusterIdentity | undefined {
  return loaded.records.get('meta')?.get('identity') as ClusterIdentity | undefined;
}

/** What a restore did. */
export interface RestoreResult extends BackupSummary {
  /** The epoch from which the restored manager goes on. */
  readonly generation: number;
  /** Where the store that was there before lies now. */
  readonly aside: string | null;
  /** Versions of secrets, configs and payloads among the records. */
  readonly sealed: number;
  /** Whether the key that sealed them is in the data directory; true where none are sealed. */
  readonly opens: boolean;
}

/**
 * Puts a backup back as the manager's store of a data directory. Nothing is touched before the whole file was checked; what was there
 * is moved aside. Tokens and the worker's folder stay as they are.
 * @param force whether a store that is there may be moved aside
 * @throws CubeError `invalid-file`, `data-newer`; `data-held` while a node runs there; `conflict` when there is a store, or a worker of
 *   another cluster
 */
export async function restoreBackup(file: string, force: boolean, options: OfflineOptions): Promise<RestoreResult> {
  const { dataDirectory } = options;
  const directory = join(dataDirectory, 'manager');
  const { sealed, ...summary } = await checkedBackup(file);
  await checkManager(dataDirectory, directory, force);
  const generation = Math.max(summary.epoch.generation, ...(await generationsIn(directory, summary, options))) + 1;
  const fresh = `${directory}.restoring-${process.pid}`;
  let aside: string | null = null;
  try {
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    await write(fresh, file, summary, generation, options);
    await checkManager(dataDirectory, directory, force);
    if (existsSync(directory)) {
      if (isEmpty(directory)) await rm(directory, { recursive: true });
      else {
        aside = `${directory}.before-restore-${new Date(realClock().now()).toISOString().replaceAll(':', '-')}`;
        await rename(directory, aside);
      }
    }
    await rename(fresh, directory);
    await syncFolder(dataDirectory);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return { ...summary, generation, aside, sealed: sealed.count, opens: opensWith(dataDirectory, sealed.first, options.warn) };
}

/** Reads all of a file before any of it is used. */
async function checkedBackup(file: string): Promise<BackupSummary & { readonly sealed: SealedRecords }> {
  let identity: unknown;
  const sealed: SealedRecords = { count: 0 };
  const summary = await read(file, ({ kind, key, value }) => {
    if (kind === 'meta' && key === 'identity') identity = value;
    if (kind === 'file') {
      sealed.count++;
      sealed.first ??= value as SealedFile;
    }
  });
  if ((identity as ClusterIdentity | undefined)?.clusterId === summary.clusterId) return { ...summary, sealed };
  throw problem('invalid-file', `${file} cannot be restored: it does not say which cluster it is of`);
}

async function read(file: string, take: Parameters<typeof readBackup>[2]): Promise<BackupSummary> {
  try {
    return await readBackup(createReadStream(file), file, take);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw problem('not-found', `there is no file ${file}`, { hint: '`cube backup FILE` makes one' });
    if (code === 'EISDIR') throw problem('usage', `${file} is a folder, and no backup`, { hint: 'name a file that `cube backup` wrote' });
    if (['EACCES', 'EIO'].includes(code ?? '')) throw problem('usage', `${file} cannot be read: ${message}`, { cause: thrown });
    throw thrown;
  }
}

/** Refuses while a node runs there, and to replace a store that nobody said may be replaced. */
async function checkManager(dataDirectory: string, directory: string, force: boolean): Promise<void> {
  if (isEmpty(directory)) return;
  try {
    await checkFree(directory);
  } catch (thrown) {
    throw await held(dataDirectory, thrown);
  }
  if (!force) {
    throw problem('conflict', `${directory} holds a manager's state already`, {
      hint: 'give another --data, or --force to move it aside',
    });
  }
}

function isEmpty(directory: string): boolean {
  // LevelDB leaves a lock and a log of its own even where it found no database.
  return !existsSync(join(directory, 'CURRENT')) && !existsSync(join(directory, 'ACKNOWLEDGED'));
}

/** The highest generations that this directory knows of: what is restored must come after all of them. */
async function generationsIn(directory: string, { clusterId }: BackupSummary, options: OfflineOptions): Promise<number[]> {
  const found: number[] = [];
  const manager = await loadedIf(directory, options);
  if (manager) found.push(identityIn(manager)?.epoch.generation ?? 0);
  const folders = existsSync(options.dataDirectory) ? await readdir(options.dataDirectory) : [];
  for (const folder of folders.filter((name) => /^worker(-|$)/.test(name))) {
    const meta = (await loadedIf(join(options.dataDirectory, folder, 'store'), options))?.records.get('meta');
    const theirs = (meta?.get('identity') as Identity | undefined)?.clusterId;
    if (theirs !== undefined && theirs !== null && theirs !== clusterId) {
      throw problem(
        'conflict',
        `the worker in ${join(options.dataDirectory, folder)} belongs to cluster ${theirs}, the backup to ${clusterId}`,
        {
          hint: 'give another --data, or move that folder away: its containers go on, and nobody looks after them',
        },
      );
    }
    found.push((meta?.get('seen') as Seen | undefined)?.epoch?.generation ?? 0);
  }
  return found;
}

/** What a store holds; undefined where there is none, or one that cannot be read: it is only asked for what it knows. */
async function loadedIf(directory: string, { limits, warn }: OfflineOptions): Promise<Loaded | undefined> {
  if (isEmpty(directory)) return undefined;
  const store = openLevelStore({ directory, limits, log: logOf(warn) });
  try {
    return await store.load();
  } catch (thrown) {
    warn(`${directory} was not looked at: ${asCubeError(thrown).message}`);
    return undefined;
  } finally {
    await store.close();
  }
}

async function write(directory: string, file: string, summary: BackupSummary, generation: number, options: OfflineOptions): Promise<void> {
  const store = openLevelStore({ directory, limits: options.limits, log: logOf(options.warn) });
  const identity: ClusterIdentity = { clusterId: summary.clusterId, epoch: { generation, revision: 0 } };
  const restored: Restored = { createdAt: summary.createdAt, revision: summary.revision };
  let puts: Put[] = [];
  const commit = async (): Promise<void> => {
    if (puts.length > 0) await store.commit({ puts, removals: [] });
    puts = [];
  };
  try {
    await store.load();
    await read(file, async (record) => {
      if (record.kind === 'meta' && (record.key === 'identity' || record.key === 'restored')) return;
      puts.push(record);
      if (puts.length >= options.limits.storeReadRecordsMax) await commit();
    });
    puts.push({ kind: 'meta', key: 'identity', value: identity }, { kind: 'meta', key: 'restored', value: restored });
    await commit();
  } finally {
    await store.close();
  }
}

/** Makes renames in a folder durable. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function logOf(warn: Warn): Log {
  const quiet = (): void => undefined;
  return { debug: quiet, info: quiet, warn, error: warn };
}
