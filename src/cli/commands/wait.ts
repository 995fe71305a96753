/** `cube wait JOB --for running|completed`: nothing is changed, only waited for. */
import { problem } from '../../core/errors.ts';
import { runKind } from '../../core/job.ts';
import type { JobJson } from '../../core/views.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Client } from '../connect.ts';
import { missing, unlessMissing } from '../find.ts';
import { sayFarewell } from '../run-job.ts';
import { jobSentence } from '../tasks.ts';
import { judgeWait } from '../verdict-wait.ts';
import { overIds, waitFor } from '../wait.ts';

/** Whether a job can never be completed: a service with a task that is started anew whenever it ends. */
async function runsForGood(client: Client, job: JobJson): Promise<boolean> {
  if (runKind(job.type) === 'batch' || job.status === 'completed') return false;
  const versions = await unlessMissing(client.history(job.name));
  const spec = versions?.find(({ isCurrent }) => isCurrent)?.spec;
  return spec !== undefined && Object.values(spec.tasks).some(({ restart }) => restart.on === 'always');
}

async function wait(context: Context): Promise<number> {
  const { input, output } = context;
  const name = input.args[0]!;
  const asked = input.choice('for', ['running', 'completed']);
  const timeoutMs = input.durationMs('timeout');
  const client = await connect(context);
  const before = await unlessMissing(client.status({ job: name }));
  const job = before?.jobs[0];
  if (before === undefined || job === undefined) {
    const { jobs } = await client.status();
    throw missing(
      name,
      'job',
      jobs.map((one) => one.name),
    );
  }
  if (job.type === 'parameterized') {
    throw problem('usage', `${name} is parameterized: it does not run itself, its runs do`, {
      hint: `wait for one of those; \`cube dispatch ${name}\` begins one, and waits`,
    });
  }
  const aim = asked ?? (runKind(job.type) === 'batch' ? 'completed' : 'running');
  if (aim === 'completed' && (await runsForGood(client, job))) {
    const what = job.type === 'system' ? 'system job' : job.type;
    const error = problem('job-failed', `${name} is not completed, and will not be: a ${what} runs for good`, {
      hint: `\`cube wait ${name} --for running\` waits until it runs`,
    });
    output.error(error, { job, tasks: before.tasks });
    return error.row.exit;
  }
  sayFarewell(context, `not waiting any longer; ${name} goes on: see \`cube status ${name}\``);
  const goal = { job: name, version: job.version, before: overIds(before) };
  const { status, error } = await waitFor(context, client, {
    goal,
    known: before,
    aim,
    judge: (seen) => judgeWait(seen, goal, aim),
    timeoutMs,
  });
  const now = status.jobs.find((one) => one.name === name) ?? job;
  if (error) {
    output.error(error, { job: now, tasks: status.tasks });
    return error.row.exit;
  }
  if (output.json) output.document({ job: now, tasks: status.tasks });
  else output.line(output.quiet ? name : jobSentence(now));
  return 0;
}

/** `cube wait`. */
export const command: Command = {
  usage: 'wait <job>',
  summary: 'wait until a job runs (all healthy, no update under way) or is completed; exit 1 when that cannot come any more',
  options: [
    { flags: '--for <what>', about: 'running or completed (default: completed for a batch, else running)' },
    { flags: '--timeout <duration>', about: 'wait no longer than this (exit 124)' },
  ],
  examples: [
    ['cube wait shop', 'until it runs'],
    ['cube wait import --for completed --timeout 1h', 'until its work is done'],
  ],
  run: wait,
};
