/** Where the local node keeps its data, and what the CLI finds there: its address and the local token. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { problem } from '../core/errors.ts';
import type { NodeFile } from '../core/node-options.ts';

/** The data directory: `--data`, CUBE_DATA, else the XDG data directory. */
export async function dataDirectory(flag: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  const told = flag ?? env['CUBE_DATA'];
  if (told !== undefined && told !== '') return resolve(told);
  const { default: envPaths } = await import('env-paths');
  return envPaths('cube', { suffix: '' }).data;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw problem('forbidden', `${path} cannot be read: ${message}`, {
      hint: 'run cube as the user who started the node, or give --host and a token',
      cause: thrown,
    });
  }
}

/** What the local node wrote about itself, or undefined where none did. */
export function readNodeFile(directory: string): NodeFile | undefined {
  const path = join(directory, 'node.json');
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const found = JSON.parse(text) as NodeFile;
    if (typeof found.url === 'string') return found;
  } catch (thrown) {
    throw problem('failed', `${path} is damaged: ${String(thrown)}`, {
      hint: 'start the node again, or name one with --host',
      cause: thrown,
    });
  }
  throw problem('failed', `${path} has no address in it`, { hint: 'start the node again, or name one with --host' });
}

/** The local admin token, or undefined where there is none. */
export function readLocalToken(directory: string): string | undefined {
  return readIfThere(join(directory, 'admin.token'))?.trim() || undefined;
}
