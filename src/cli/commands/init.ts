/** `cube init [FILE]`: writes a job file to start from. */
import { writeFile } from 'node:fs/promises';
import { problem } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { jobTemplate } from '../job-template.ts';

async function init(context: Context): Promise<number> {
  const { input, output } = context;
  const file = input.args[0] ?? 'job.yaml';
  if (file === '-') {
    if (output.json) output.document({ text: jobTemplate });
    else output.raw(jobTemplate);
    return 0;
  }
  try {
    await writeFile(file, jobTemplate, { flag: 'wx' });
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw problem('conflict', `${file} is there already`, { hint: 'name another file, or `-` to print it' });
    throw problem('failed', `${file} cannot be written: ${message}`, { hint: 'name another file, or `-` to print it', cause: thrown });
  }
  if (output.json) output.document({ file });
  else output.line(file);
  output.note(`now run it with \`cube submit ${file}\``);
  return 0;
}

/** `cube init`. */
export const command: Command = {
  usage: 'init [file]',
  summary: 'write a commented job file that works (job.yaml unless told, `-` prints it)',
  options: [],
  examples: [
    ['cube init && cube submit job.yaml', 'a first job'],
    ['cube init - | cube submit -', 'the same without a file'],
  ],
  run: init,
};
