/** Token files: one line with a secret, for their owner only. */
import { constants } from 'node:fs';
import { link, open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';
import { CubeError, problem } from '../core/errors.ts';
import type { Ids } from '../ports/ambient.ts';

/** 128 bits at least, in letters that can stand in a header. */
const tokenPattern = /^[A-Za-z0-9_-]{22,256}$/;
const fileBytesMax = 1_024;
const ownerOnly = 0o600;
const permissionBits = 0o7777;
const others = 0o077;

/** A token, and what a user should be told about its file. */
export interface TokenFile {
  readonly token: string;
  /** It was made just now. */
  readonly made: boolean;
  /** Others could read (or write) the file until now: the token may be known, and the permissions it had, such as `644`. */
  readonly wasOpen?: string;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function failed(path: string, what: string, error: unknown): CubeError {
  if (error instanceof CubeError) return error;
  const hint = `check the owner and the permissions of ${dirname(path)}`;
  return problem('failed', `cannot ${what} the token file ${path}: ${error instanceof Error ? error.message : String(error)}`, {
    hint,
    cause: error,
  });
}

/** Takes the rights of others away. Through the open file, so that nobody can put another in its place meanwhile. */
async function closeToOthers(file: FileHandle, mode: number): Promise<string | undefined> {
  if ((mode & others) === 0) return undefined;
  await file.chmod(ownerOnly);
  await file.sync();
  return (mode & permissionBits).toString(8);
}

async function readIn(path: string, file: FileHandle): Promise<TokenFile> {
  const stats = await file.stat();
  const hint = `remove ${path} and start again: a new token is made`;
  if (!stats.isFile()) throw problem('invalid-file', `the token file ${path} is no file`, { hint });
  if (stats.size > fileBytesMax) throw problem('invalid-file', `the token file ${path} holds more than a token`, { hint });
  const token = (await file.readFile('utf8')).trim();
  if (token === '') throw problem('invalid-file', `the token file ${path} is empty`, { hint });
  // What it holds is not shown: it may be most of a secret.
  if (!tokenPattern.test(token)) throw problem('invalid-file', `the token file ${path} holds no token`, { hint });
  const wasOpen = await closeToOthers(file, stats.mode);
  return { token, made: false, ...(wasOpen !== undefined && { wasOpen }) };
}

/** @returns undefined when there is no such file */
async function readToken(path: string): Promise<TokenFile | undefined> {
  let file: FileHandle;
  try {
    // Not blocking: a pipe of this name would wait for a writer for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw failed(path, 'read', error);
  }
  try {
    return await readIn(path, file);
  } catch (error) {
    throw failed(path, 'read', error);
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Writes a whole file beside its place, on disk and under a name nobody else has. */
async function writeBeside(path: string, token: string, ids: Ids): Promise<string> {
  const beside = join(dirname(path), `.${basename(path)}.${ids.id()}`);
  const file = await open(beside, 'wx', ownerOnly);
  try {
    // Not left to the umask.
    await file.chmod(ownerOnly);
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return beside;
}

/**
 * Makes the file, unless somebody was faster. A hard link appears at once and whole, and fails where a file is: whoever reads the
 * file meanwhile sees nothing or a token, never a part.
 * @returns whether it was this call that made it
 */
async function makeToken(path: string, token: string, ids: Ids): Promise<boolean> {
  const beside = await writeBeside(path, token, ids);
  try {
    await link(beside, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(beside);
    await syncDirectory(dirname(path));
  }
}

/**
 * The token of a file, made when there is none. Of several processes that come at once one makes it and all get the same.
 * A file that others can read is closed to them and reported.
 * @param path in a directory that exists
 * @throws CubeError `invalid-file` when the file holds no token, `failed` when it cannot be read or written
 */
export async function readOrMakeToken(path: string, ids: Ids): Promise<TokenFile> {
  const there = await readToken(path);
  if (there !== undefined) return there;
  const token = ids.secret();
  if (!tokenPattern.test(token)) throw problem('failed', 'the source of secrets gave one that is too short for a token');
  try {
    if (await makeToken(path, token, ids)) return { token, made: true };
  } catch (error) {
    throw failed(path, 'make', error);
  }
  const theirs = await readToken(path);
  if (theirs === undefined) throw problem('failed', `the token file ${path} was removed while it was made`, { hint: 'start again' });
  return theirs;
}
