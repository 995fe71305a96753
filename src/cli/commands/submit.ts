/** `cube submit FILE|-`: a job file, checked here with all its problems at once, accepted there, and waited for. */
import { readFile } from 'node:fs/promises';
import { problem, unreadableText } from '../../core/errors.ts';
import type { JobSpec } from '../../core/job.ts';
import type { Command, Context, OptionSpec } from '../command.ts';
import { connect } from '../connect.ts';
import { readStdin } from '../read-stdin.ts';
import { finishJob, waitSpecs } from '../run-job.ts';
import { statusOrNothing } from '../wait.ts';

/** The text of a job file, or of stdin for `-`. @throws CubeError `invalid-file` for one that cannot be read */
async function readJobText(context: Context, file: string): Promise<string> {
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

/** The option that looks at what images stand for. */
export const refreshSpec: OptionSpec = {
  flags: '--refresh-images',
  about: 'an image whose tag stands for another one by now is a change, too: its registry is asked',
};

/** The option with values for a file's variables. */
export const setSpec: OptionSpec = {
  flags: '--set <k=v>',
  about: 'a value for ${k} in the file (many); else the environment has it, or the file: ${k:-default}',
};

/**
 * Reads a job file, with `--set` and the environment for its variables.
 * @throws CubeError `usage` for a `--set` that does not fit; `invalid-file` for a file that cannot be read, or is wrong
 */
export async function readJobFile(context: Context, file: string): Promise<{ readonly spec: JobSpec; readonly document: unknown }> {
  const { readSettings } = await import('../../core/variables.ts');
  const set = readSettings(context.input.texts('set'));
  const { parseJobFile } = await import('../../core/job-file/index.ts');
  const name = file === '-' ? 'stdin' : file;
  return parseJobFile(await readJobText(context, file), name, context.limits, { set, environment: context.env });
}

async function submit(context: Context): Promise<number> {
  const { input, output } = context;
  const checkIndex = input.number('check-index');
  input.durationMs('timeout');
  const { spec, document } = await readJobFile(context, input.args[0]!);
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
    ...(input.flag('refresh-images') ? { refreshImages: true } : {}),
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
    refreshSpec,
    setSpec,
  ],
  examples: [
    ['cube submit job.yaml', 'run it and wait'],
    ['cube submit --detach - < job.yaml', 'from stdin, without waiting'],
    ['cube submit --set TAG=1.28 job.yaml', 'with a value for ${TAG} in the file'],
    ['cube submit --dry-run -o json job.yaml', 'what would be sent'],
  ],
  run: submit,
};
