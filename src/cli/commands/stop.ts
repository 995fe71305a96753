/** `cube stop JOB|TASK`: orders it to stop and waits until it has. */
import { problem } from '../../core/errors.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { missingJobOrTask, unlessMissing } from '../find.ts';
import { waitSpecs } from '../run-job.ts';
import { finishStop, runsToStop } from '../stop-job.ts';

async function stop(context: Context): Promise<number> {
  const { input } = context;
  const ref = input.args[0]!;
  const purge = input.flag('purge');
  input.durationMs('timeout');
  const client = await connect(context);
  const isSlot = ref.includes('/');
  const runs = isSlot ? [] : await runsToStop(client, ref, purge);
  const job = isSlot ? undefined : await unlessMissing(client.stopJob(ref, { purge }));
  if (job) return finishStop(context, client, { job, purge, runs });
  if (purge) {
    const task = await unlessMissing(client.status({ task: ref }));
    if (task)
      throw problem('usage', '--purge forgets a whole job; name the job', { hint: `cube stop --purge ${task.tasks[0]?.job ?? 'JOB'}` });
    throw await missingJobOrTask(client, ref, 'job');
  }
  const task = await unlessMissing(client.stopTask(ref));
  if (!task) throw await missingJobOrTask(client, ref);
  return finishStop(context, client, { task });
}

/** `cube stop`. */
export const command: Command = {
  usage: 'stop <ref>',
  summary: 'stop a job (a parameterized one with its runs), or one task (its slot gets a fresh one), and wait until it has ended',
  options: [{ flags: '--purge', about: 'forget the job, too, and all its runs (volumes stay)' }, ...waitSpecs],
  examples: [
    ['cube stop shop', 'all of a job'],
    ['cube stop shop/web.2', 'one task of it, by slot or id'],
    ['cube stop --purge shop', 'and forget the job'],
  ],
  run: stop,
};
