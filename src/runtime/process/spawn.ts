/** Starts one process under its shim. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { problem } from '../../core/errors.ts';
import { deferred } from '../abort.ts';
import { checkCommand } from './command.ts';
import type { WorkFile } from './folder.ts';
import type { LogFiles } from './log-files.ts';
import { shim } from './shim.ts';

/**
 * Starts the command in a session of its own, so that neither Ctrl-C nor the end of the node reaches it.
 * @returns its shim, once that runs or, having found that another one does, has ended
 * @throws CubeError `bad-command` when there is no such program, `bad-settings` when the working directory is none, `engine-error`
 */
export async function spawnShim(folder: string, file: WorkFile, files: LogFiles): Promise<ChildProcess> {
  const workdir = file.workdir ?? join(folder, 'work');
  const isFolder = await stat(workdir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw problem('bad-settings', `the working directory ${workdir} does not exist on the node`);
  await checkCommand(file.command, file.env['PATH'] ?? '', workdir);
  const out = files.open('stdout');
  const err = files.open('stderr');
  try {
    const child = spawn('/bin/sh', ['-c', shim, 'cube-shim', folder, ...file.command], {
      cwd: workdir,
      env: { ...file.env },
      detached: true,
      stdio: ['ignore', out, err, 'pipe'],
    });
    child.unref();
    await begun(child);
    return child;
  } finally {
    closeSync(out);
    closeSync(err);
  }
}

/** Waits for the shim's word that it runs, or its end. */
function begun(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = deferred<void>();
  const ready = child.stdio[3];
  ready?.once('data', () => resolve());
  ready?.on('error', (error: Error) =>
    reject(problem('engine-error', `the process could not be started: ${error.message}`, { cause: error })),
  );
  child.once('exit', () => resolve());
  child.once('error', (error) => reject(problem('engine-error', `the process could not be started: ${error.message}`, { cause: error })));
  return promise.finally(() => ready?.destroy());
}
