/** `cube backup FILE|-`: the manager's state as a file. */
import { CubeError, problem } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { dataDirectory, readNodeFile } from '../data-directory.ts';
import { cubeVersion } from '../package-info.ts';

/** The bytes: of the node that is named or runs here; of the data directory itself where none runs. */
async function* bytesOf(context: Context): AsyncGenerator<Uint8Array> {
  const { global, input, limits, env } = context;
  const told = input.text('data');
  const here = global.host === undefined && !env['CUBE_HOST'];
  if (told !== undefined && !here) throw problem('usage', '--data names a directory of this host; it does not go with --host');
  const directory = await dataDirectory(told, env);
  const asked = { ...context, env: { ...env, CUBE_DATA: directory } };
  if (!here || readNodeFile(directory) !== undefined) {
    let begun = false;
    try {
      for await (const chunk of (await connect(asked)).backup()) {
        begun = true;
        yield chunk;
      }
      return;
    } catch (thrown) {
      const isAway = here && !begun && thrown instanceof CubeError && thrown.code === 'unreachable';
      if (!isAway) throw thrown;
    }
  }
  const { offlineBackup } = await import('../../boot/backup.ts');
  context.output.note(`no node answers; the backup is taken from ${directory}`);
  yield* offlineBackup({ dataDirectory: directory, limits, version: cubeVersion(), warn: (message) => context.output.warn(message) });
}

async function backup(context: Context): Promise<number> {
  const { input, output } = context;
  const file = input.args[0]!;
  if (file === '-') {
    if (output.json) throw problem('usage', 'with `-` the backup itself goes to stdout, and -o json cannot');
    for await (const chunk of bytesOf(context)) await output.bytes(chunk);
    return 0;
  }
  const { saveBackup } = await import('../../boot/backup.ts');
  const summary = await saveBackup(bytesOf(context), file, input.flag('force'));
  if (summary.leftOut > 0) output.warn(`${summary.leftOut} records are damaged in the store and are not in the backup`);
  if (output.json) output.document({ file, ...summary });
  else output.line(file);
  const { records, bytes, revision, clusterId } = summary;
  output.note(
    `${records} records of cluster ${clusterId.slice(0, 8)} up to commit ${revision}, ${bytes} bytes; tokens and secrets.key are not in it`,
  );
  return 0;
}

/** `cube backup`. */
export const command: Command = {
  usage: 'backup <file>',
  summary: "write the manager's state to a file (`-` for stdout), from a node that runs or from a data directory",
  options: [
    { flags: '--data <dir>', about: 'data directory of the manager (CUBE_DATA, else the XDG data directory)' },
    { flags: '--force', about: 'replace the file if it is there' },
  ],
  examples: [
    ['cube backup cube.backup', 'while the node runs; jobs and what is in their env are in it, so keep it private'],
    ['cube backup - | gzip > cube.backup.gz', 'to somewhere else'],
    ['cube backup --data /var/lib/cube cube.backup', 'of a node that does not run'],
  ],
  run: backup,
};
