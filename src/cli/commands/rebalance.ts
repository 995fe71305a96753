/** `cube rebalance --plan`: moves worth making. Nothing is moved. */
import { problem } from '../../core/errors.ts';
import { limitsDefault } from '../../core/limits.ts';
import type { RebalanceJson } from '../../core/views.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Paint } from '../output.ts';
import { alignTable } from '../table.ts';

/** Lines for people: a line a move, the one to make first at the top. */
export function rebalanceLines({ moves, policy }: RebalanceJson, paint: Paint): string[] {
  if (moves.length === 0) return [`no move is worth making (policy ${policy})`];
  const rows = moves.map(({ slot, from, to, share, why }) => [slot, from, to, `${Math.round(share * 100)}%`, why]);
  return alignTable(['SLOT', 'FROM', 'TO', 'GAIN', 'WHY'], rows, paint);
}

async function rebalance(context: Context): Promise<number> {
  const { input, output } = context;
  if (!input.flag('plan')) {
    throw problem('usage', '`cube rebalance` does not move tasks in this version, it only shows what would be worth it', {
      hint: 'see `cube rebalance --plan`; to move a task by hand: `cube stop TASK`, and its slot is placed anew',
    });
  }
  const planned = await (await connect(context)).rebalance(input.number('max-moves'));
  if (output.json) output.document(planned);
  else if (output.quiet) for (const { slot } of planned.moves) output.line(slot);
  else {
    for (const line of rebalanceLines(planned, output.paint)) output.line(line);
    if (planned.moves.length > 0) output.note('to make a move: `cube stop SLOT`, and the slot is placed anew, where it is best by then');
  }
  return 0;
}

/** `cube rebalance`. */
export const command: Command = {
  usage: 'rebalance',
  summary: 'moves worth making, after nodes joined or tasks ended; moves nothing',
  note:
    "GAIN is how much of what a task costs where it is, by the scheduler's policy, a move would save; " +
    `below ${limitsDefault.rebalanceGainPercent}% it is not shown (limit rebalanceGainPercent of the manager). Batches and what is bound to a node stay.`,
  options: [
    { flags: '--plan', about: 'show the moves' },
    { flags: '--max-moves <n>', about: 'no more than these' },
  ],
  examples: [['cube rebalance --plan', 'then `cube stop SLOT` for those you want to make']],
  run: rebalance,
};
