/** `cube submit FILE|-`: a job file, checked here with all its problems at once, accepted there, and waited for. */
import { readFile } from 'node:fs/promises';
import { problem, unreadableText } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { readStdin } from '../read-stdin.ts';
import { finishJob, waitSpecs } from '../run-job.ts';
import { statusOrNothing } from '../wait.ts';

/** The text of a job file, or of stdin for `-`. @throws CubeError `invalid-file` for one that cannot be read */
export async function readJobText(context: Context, file: string): Promise<string> {
  if (file === '-') {
    if (context.global.tokenFile === '-') throw problem('usage', 'the job and the token cannot both come from stdin');
    return readStdin();
  }
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw problem('invalid-file', unreadableText(file, thrown), { hint: '`cube init` writes a job file', cause: thrown });
  }
}

async function submit(context: Context): Promise<number> {
  const { input, output, limits } = context;
  const file = input.args[0]!;
  const checkIndex = input.number('check-index');
  input.durationMs('timeout');
  const { parseJobFile } = await import('../../core/job-file/index.ts');
  const { spec, document } = parseJobFile(await readJobText(context, file), file === '-' ? 'stdin' : file, limits);
  if (input.flag('dry-run')) {
    if (output.json) output.document(spec);
    else output.line(JSON.stringify(spec, null, 2));
    return 0;
  }
  const client = await connect(context);
  const before = await statusOrNothing(client, spec.name);
  const accepted = await client.submit({
    job: document,
    origin: { kind: 'file' },
    ...(checkIndex === undefined ? {} : { checkIndex }),
    ...(input.flag('strict') ? { strict: true } : {}),
  });
  return finishJob(context, client, { ...accepted, before });
}

/** `cube submit`. */
export const command: Command = {
  usage: 'submit <file>',
  summary: 'run a job file (YAML or JSON, `-` for stdin), and wait until the job is healthy or completed',
  options: [
    ...waitSpecs,
    {
      flags: '--dry-run',
      about: 'check the file and print the job with its defaults; send nothing (`cube plan` asks what it would change)',
    },
    { flags: '--check-index <n>', about: 'refuse (exit 5) unless the job stands at this index; 0: unless it is new' },
    { flags: '--strict', about: 'refuse the job (exit 2) when there are warnings, like a constraint that no node meets' },
    { flags: '--set <k=v>', about: 'values for the file', later: true },
  ],
  examples: [
    ['cube submit job.yaml', 'run it and wait'],
    ['cube submit --detach - < job.yaml', 'from stdin, without waiting'],
    ['cube submit --dry-run -o json job.yaml', 'what would be sent'],
  ],
  run: submit,
};
