/** What a failed run tells: what is wrong, how it came about, and how to see it again. */
import type { ClusterEvent } from '../../src/core/events.ts';
import type { World } from './world.ts';

/** Lines of the history and of the log that are shown, the last ones. */
const shown = 60;

/** A failure as text. */
export function tale(why: string, { clock, lines, seed }: World, events: readonly ClusterEvent[]): string {
  const startedAt = clock.now() - clock.monotonic();
  const history = events
    .slice(-shown)
    .map(
      ({ seq, at, machine, id, from, to, event, cause }) =>
        `  ${seq} ${at - startedAt} ms ${machine} ${id.slice(0, 8)} ${from} -> ${to} (${event}: ${cause})`,
    );
  const said = lines.slice(-shown).map(({ atMs, process, level, message }) => `  ${atMs} ms ${process} ${level}: ${message}`);
  const repeat = `seed ${seed}; to repeat: CUBE_SEED=${seed} npm run sim`;
  return [why, '', `at ${clock.monotonic()} ms`, 'history:', ...history, 'log:', ...said, '', repeat].join('\n');
}
