/** Finds the program a command names, before anything is started. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { problem } from '../../core/errors.ts';
import { codeOf } from '../code-of.ts';

/**
 * Checks that the command can be started, as execvp would find it.
 * @param path the task's PATH
 * @throws CubeError `bad-command` when there is no such program, or it may not be executed
 */
export async function checkCommand(command: readonly string[], path: string, workdir: string): Promise<void> {
  const name = command[0] ?? '';
  if (name === '') throw problem('bad-command', 'the command is empty');
  const candidates = name.includes('/')
    ? [isAbsolute(name) ? name : resolve(workdir, name)]
    : path.split(delimiter).map((folder) => join(folder === '' ? workdir : folder, name));
  let refused: string | undefined;
  for (const candidate of candidates) {
    const why = await refusal(candidate);
    if (why === undefined) return;
    if (why !== 'no such file') refused ??= `${candidate}: ${why}`;
  }
  const hint = 'check the command; without an engine it must be installed on the node';
  if (refused !== undefined) throw problem('bad-command', `exec: ${refused}`, { hint });
  throw problem(
    'bad-command',
    name.includes('/') ? `exec: "${name}": no such file` : `exec: "${name}": executable file not found in ${path}`,
    {
      hint,
    },
  );
}

async function refusal(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).isDirectory()) return 'is a directory';
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file';
    if (code === 'EACCES') return 'permission denied';
    throw error;
  }
}
