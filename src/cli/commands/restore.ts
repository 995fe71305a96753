/** `cube restore FILE`: puts a backup back. */
import { problem } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { dataDirectory } from '../data-directory.ts';
import { cubeVersion } from '../package-info.ts';

async function restore(context: Context): Promise<number> {
  const { input, output, limits, env } = context;
  const file = input.args[0]!;
  if (file === '-')
    throw problem('usage', '`cube restore` needs a file, and cannot read stdin', { hint: 'save it to a file, and name that' });
  const directory = await dataDirectory(input.text('data'), env);
  const { restoreBackup } = await import('../../boot/backup.ts');
  const warn = (message: string): void => output.warn(message);
  const done = await restoreBackup(file, input.flag('force'), { dataDirectory: directory, limits, version: cubeVersion(), warn });
  if (output.json) output.document({ file, data: directory, ...done });
  else output.line(directory);
  if (done.aside !== null) output.note(`what was there before is in ${done.aside}`);
  output.note(`${done.records} records of ${done.createdAt} are back; start the node with \`cube up\``);
  if (done.sealed > 0 && !done.opens) {
    output.warn(
      `the secrets and configs in it need the secrets.key of the manager that was backed up: copy it to ${directory} before the start`,
    );
  }
  output.note('containers go on; those that were started after the backup are kept, and `cube nodes` names them');
  return 0;
}

/** `cube restore`. */
export const command: Command = {
  usage: 'restore <file>',
  summary: 'put a backup back as the state of the manager here, while no node runs',
  options: [
    { flags: '--data <dir>', about: 'data directory to restore to (CUBE_DATA, else the XDG data directory)' },
    { flags: '--force', about: 'move the state that is there aside; nothing is deleted' },
  ],
  examples: [
    ['cube restore cube.backup', 'on a fresh host'],
    ['cube restore --force cube.backup', 'over what is there, which is moved aside; tokens and the worker stay as they are'],
  ],
  run: restore,
};
