/**
 * Kept logs as plain files, `<folder>/<task id>/<attempt>.ndjson`: a line of JSON a piece of output, so that people and other tools
 * can read them. A file is written beside its place and moved there, so that it is whole or not there; one that was torn or damaged
 * by other means gives the lines that can be read.
 */
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { problem } from '../core/errors.ts';
import type { Clock } from '../ports/ambient.ts';
import type { KeptLog, KeptLogs } from '../ports/kept-logs.ts';
import type { LogChunk } from '../ports/runtime.ts';

/** `[ms since the epoch, "o" or "e", text]`. */
type Line = readonly [at: number, stream: 'o' | 'e', text: string];

const ending = '.ndjson';
const ownerOnly = { folder: 0o700, file: 0o600 };

/** Opens kept logs in a folder, which is made when the first is kept. */
export function openKeptLogs(folder: string, clock: Pick<Clock, 'now'>): KeptLogs {
  const pathOf = (taskId: string, attempt: number): string => join(folder, checked(taskId), `${attempt}${ending}`);
  return {
    list: () => orFail('list', () => listed(folder)),
    keep: (taskId, attempt, chunks) =>
      orFail('keep', async () => {
        const path = pathOf(taskId, attempt);
        const bytes = Buffer.from(chunks.map(lineOf).join(''));
        await mkdir(join(folder, taskId), { recursive: true, mode: ownerOnly.folder });
        await writeWhole(path, bytes);
        return { taskId, attempt, bytes: bytes.length, keptAt: clock.now() };
      }),
    read: (taskId, attempt) =>
      orFail('read', async () => {
        const text = await unlessMissing(readFile(pathOf(taskId, attempt), 'utf8'));
        return text?.split('\n').flatMap(chunkOf);
      }),
    remove: (taskId, attempt) =>
      orFail('remove', async () => {
        await rm(pathOf(taskId, attempt), { force: true });
        await rmdir(join(folder, taskId)).catch((thrown: unknown) => {
          if (!hasCode(thrown, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw thrown;
        });
      }),
  };
}

async function listed(folder: string): Promise<readonly KeptLog[]> {
  const kept: KeptLog[] = [];
  for (const taskId of (await unlessMissing(readdir(folder))) ?? []) {
    for (const name of (await unlessMissing(readdir(join(folder, taskId)))) ?? []) {
      const path = join(folder, taskId, name);
      const attempt = Number(name.slice(0, -ending.length));
      // A draft that a crash left behind is nobody's: nothing is under way when this is asked for the first time.
      if (!name.endsWith(ending) || !Number.isInteger(attempt)) await rm(path, { force: true, recursive: true });
      else {
        const found = await unlessMissing(stat(path));
        if (found) kept.push({ taskId, attempt, bytes: found.size, keptAt: found.mtimeMs });
      }
    }
  }
  return kept;
}

async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, 'w', ownerOnly.file);
  try {
    await file.writeFile(bytes);
    // The container is removed once this is kept: a loss of power must not take both.
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

function lineOf({ at, stream, text }: LogChunk): string {
  const line: Line = [at, stream === 'stderr' ? 'e' : 'o', text];
  return `${JSON.stringify(line)}\n`;
}

function chunkOf(line: string): readonly LogChunk[] {
  try {
    const [at, stream, text] = JSON.parse(line) as Line;
    if (typeof at !== 'number' || typeof text !== 'string') return [];
    return [{ at, stream: stream === 'e' ? 'stderr' : 'stdout', text }];
  } catch {
    // Torn or damaged: the lines around it are still worth reading.
    return [];
  }
}

/** An id names a folder below the one of the logs, nothing else. */
function checked(taskId: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/.test(taskId)) throw problem('store-failed', `"${taskId}" cannot name a folder`);
  return taskId;
}

function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code));
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT', 'ENOTDIR')) return undefined;
    throw thrown;
  }
}

async function orFail<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw problem('store-failed', `kept logs, ${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
}
