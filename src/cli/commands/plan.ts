/** `cube plan FILE|-`: what a submit would change, where each task would go and why. Nothing is changed. */
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import { planLines } from '../plan-view.ts';
import { readJobFile, refreshSpec, setSpec } from './submit.ts';

/** The exit code for a plan that changes something. */
const changesExit = 10;

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

async function plan(context: Context): Promise<number> {
  const { input, output } = context;
  const file = input.args[0]!;
  const checkIndex = input.number('check-index');
  const { document } = await readJobFile(context, file);
  const client = await connect(context);
  const planned = await client.plan({
    job: document,
    origin: { kind: 'file' },
    ...(checkIndex === undefined ? {} : { checkIndex }),
    ...(input.flag('strict') ? { strict: true } : {}),
    ...(input.flag('refresh-images') ? { refreshImages: true } : {}),
  });
  const { change, changes, index, warnings } = planned;
  const isChange = change !== 'unchanged';
  if (output.json) output.document(planned);
  else {
    if (output.quiet) for (const { action, slot } of changes) if (action !== 'keep') output.line(slot);
    if (!output.quiet) for (const line of planLines(planned, output.paint, input.flag('all'))) output.line(line);
    for (const warning of warnings) output.warn(warning);
    if (isChange) {
      // A value may be a secret, and this line may end up in a log.
      const set = input.texts('set').map((one) => ` --set ${one.slice(0, one.indexOf('='))}=...`);
      const refresh = input.flag('refresh-images') ? ' --refresh-images' : '';
      output.note(`to do this and nothing else: cube submit ${quoted(file)}${set.join('')}${refresh} --check-index ${index}`);
    }
  }
  return isChange ? changesExit : 0;
}

/** `cube plan`. */
export const command: Command = {
  usage: 'plan <file>',
  summary: 'what a submit would change, where each task would go and why; changes nothing (exit 0: no change, 10: changes)',
  note: 'A rolling update is followed to its end: every new task is taken to get well, and every old one to stop.',
  options: [
    { flags: '--all', about: 'list the slots that stay as they are, too' },
    { flags: '--check-index <n>', about: 'refuse (exit 5) unless the job stands at this index; 0: unless it is new' },
    { flags: '--strict', about: 'refuse the job (exit 2) when there are warnings, like a constraint that no node meets' },
    refreshSpec,
    setSpec,
  ],
  examples: [
    ['cube plan job.yaml', 'look, then `cube submit job.yaml --check-index N`'],
    ['cube plan -o json job.yaml', 'the same for scripts'],
  ],
  run: plan,
};
