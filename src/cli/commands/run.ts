/** `cube run IMAGE [-- CMD...]`: a job of one task without a file; `cube run -f task.json`: the seeds' TaskEvent. */
import { randomBytes } from 'node:crypto';
import { problem } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { finishJob, waitSpecs } from '../run-job.ts';
import { nameFromImage, runDocument } from '../run-document.ts';

function document(context: Context, image: string): object {
  const { input } = context;
  return runDocument({
    image,
    name: input.text('name') ?? nameFromImage(image, randomBytes(2).toString('hex')),
    command: input.rest,
    count: input.number('count', { least: 1 }) ?? 1,
    ports: input.texts('port'),
    env: input.pairs('env'),
    cpu: input.number('cpu', { whole: false }),
    memory: input.text('memory'),
    batch: input.flag('batch'),
  });
}

async function run(context: Context): Promise<number> {
  const { input, limits } = context;
  const [image] = input.args;
  const file = input.text('file');
  input.durationMs('timeout');
  if (file !== undefined) {
    if (image !== undefined || input.rest !== undefined) throw problem('usage', 'cube run takes an image or -f task.json, not both');
    const { runSeedsFile } = await import('../run-seeds.ts');
    return runSeedsFile(context, file);
  }
  if (image === undefined) throw problem('usage', 'cube run needs an image, or -f task.json', { hint: 'see `cube run --help`' });
  const job = document(context, image);
  const { checkJob } = await import('../../core/job-file/index.ts');
  checkJob(job, limits);
  const client = await connect(context);
  const accepted = await client.submit({ job, origin: { kind: 'run' }, mustBeNew: true });
  return finishJob(context, client, { ...accepted, before: { index: 0, jobs: [], tasks: [] } });
}

/** `cube run`. */
export const command: Command = {
  usage: 'run [image]',
  summary: 'run an image without a job file, and wait until it is healthy or completed',
  options: [
    { flags: '-f, --file <task.json>', about: "a TaskEvent of the seeds' API instead of an image (`-` for stdin)" },
    { flags: '--name <name>', about: "the job's name (default: the image's, with something random)" },
    { flags: '--count <n>', about: 'instances (default: 1)' },
    { flags: '-p, --port <host:container>', about: 'a port; a bare container port gets a free host port; many' },
    { flags: '-e, --env <key=value>', about: 'an environment variable; many' },
    { flags: '--cpu <cores>', about: 'cores to reserve, and the limit' },
    { flags: '--memory <size>', about: 'memory to reserve, and the limit: 128MiB' },
    { flags: '--batch', about: 'runs to its end instead of for good' },
    ...waitSpecs,
  ],
  examples: [
    ['cube run nginx:1.27 --port 8080:80', 'a web server on port 8080'],
    ['cube run busybox --batch --count 5 -- echo hello', 'five short tasks'],
    ['cube run -f task.json --manager 127.0.0.1:5555', "the seeds' form"],
  ],
  run,
};
