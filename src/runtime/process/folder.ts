/** The folder of one attempt: what is to run, and what became of it. All of it survives the node. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problem } from '../../core/errors.ts';
import { containerName } from '../../core/ids.ts';
import type { ContainerRef, Exit, Owner, Work } from '../../ports/runtime.ts';
import { codeOf } from '../code-of.ts';
import { isAlive, parseIdentity } from './identity.ts';
import type { Identity } from './identity.ts';

/** What a folder says of its attempt; in `work.json`, which only its owner may read: the environment may hold secrets. */
export interface WorkFile {
  readonly format: 1;
  readonly clusterId: string;
  readonly nodeId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string | null;
  /** Host ports by the TCP port the task file names; a folder of an older Cube has none. */
  readonly hostPorts?: Readonly<Record<number, number>>;
}

/** How far an attempt is. */
export type Status =
  | { readonly state: 'created' }
  /** A shim began, and did not write down yet who it is. */
  | { readonly state: 'claimed'; readonly since: number }
  | { readonly state: 'running'; readonly identity: Identity; readonly startedAt: number }
  | { readonly state: 'exited'; readonly startedAt?: number; readonly exit: Exit; readonly identity?: Identity };

/** Folder names: a task's id and the attempt. @throws CubeError `bad-settings` for an id that is no file name */
export function folderId(work: Work): string {
  const id = `${work.order.id}-${work.attempt}`;
  checkId(id);
  return id;
}

/** An id names a folder below the runtime's, nothing else. */
export function checkId(id: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/.test(id)) throw problem('bad-settings', `"${id}" cannot name a folder`);
}

/** Names of the folders there are; none where the runtime's own is gone. */
export async function idsIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Writes what is to run. A folder that has it already is left alone. */
export async function writeWork(folder: string, work: Work, owner: Owner, env: Readonly<Record<string, string>>): Promise<WorkFile> {
  const known = await readWork(folder);
  if (known) return known;
  const { order, attempt } = work;
  const file: WorkFile = {
    format: 1,
    clusterId: owner.clusterId,
    nodeId: owner.nodeId,
    taskId: order.id,
    attempt,
    name: containerName(order, attempt),
    command: order.spec.command ?? [],
    env,
    workdir: order.spec.workdir ?? null,
    hostPorts: Object.fromEntries(order.ports.filter(({ protocol }) => protocol === 'tcp').map(({ container, host }) => [container, host])),
  };
  await mkdir(join(folder, 'work'), { recursive: true, mode: 0o700 });
  await writeWhole(join(folder, 'work.json'), JSON.stringify(file));
  return file;
}

/** @returns undefined when there is no such folder, or none that was finished */
export async function readWork(folder: string): Promise<WorkFile | undefined> {
  const text = await readIfAny(join(folder, 'work.json'));
  return text === undefined ? undefined : (JSON.parse(text) as WorkFile);
}

/** When it was written, ms since the epoch; 0 when the folder is gone. */
export async function createdAtOf(folder: string): Promise<number> {
  return (await changedAt(join(folder, 'work.json'))) ?? 0;
}

/** The ref of an attempt's process. */
export function refOf(id: string, file: WorkFile): ContainerRef {
  return { id, name: file.name };
}

/** Reads how far the attempt is. @returns undefined when the folder is gone */
export async function readStatus(folder: string): Promise<Status | undefined> {
  const claimedAt = await changedAt(join(folder, 'claim'));
  if (claimedAt === undefined) return (await changedAt(join(folder, 'work.json'))) === undefined ? undefined : { state: 'created' };
  const identity = parseIdentity((await readIfAny(join(folder, 'pid'))) ?? '');
  const startedAt = await changedAt(join(folder, 'pid'));
  // Asked first: a shim writes its exit before it ends, so what is dead now has written all it ever will.
  const alive = identity !== undefined && (await isAlive(identity));
  const exit = await readExit(folder);
  if (exit) return { state: 'exited', startedAt, exit, identity };
  if (identity === undefined || startedAt === undefined) return { state: 'claimed', since: claimedAt };
  if (alive) return { state: 'running', identity, startedAt };
  return { state: 'exited', startedAt, identity, exit: { exitCode: 137, reason: 'killed', finishedAt: Number.NaN } };
}

/** The end as the shim wrote it, or as this runtime did where the shim could not. */
async function readExit(folder: string): Promise<Exit | undefined> {
  const code = await readIfAny(join(folder, 'exit'));
  if (code !== undefined && /^\d+\n$/.test(code)) {
    return { exitCode: Number(code), finishedAt: (await changedAt(join(folder, 'exit'))) ?? 0 };
  }
  const text = await readIfAny(join(folder, 'end.json'));
  return text === undefined ? undefined : (JSON.parse(text) as Exit);
}

/** Writes down an end that no shim did, so that it is the same whenever it is asked for. */
export async function writeEnd(folder: string, exit: Exit): Promise<void> {
  await writeWhole(join(folder, 'end.json'), JSON.stringify(exit));
}

/** Makes the claim in the shim's place, so that none runs the command any more. @returns false when one had it */
export async function claim(folder: string): Promise<boolean> {
  try {
    await writeFile(join(folder, 'claim'), '', { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the folder with all that is in it. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Whole or not at all: a reader never sees half a file. */
async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.${randomUUID()}`;
  await writeFile(part, text, { mode: 0o600 });
  await rename(part, path);
}

async function readIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function changedAt(path: string): Promise<number | undefined> {
  try {
    return Math.floor((await stat(path)).mtimeMs);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
