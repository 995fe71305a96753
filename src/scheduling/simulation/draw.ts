/**
 * Loads drawn from a load, by the protocol of the FGD paper (USENIX ATC 2023, section 6): tasks are drawn with replacement until they ask
 * for so many percent of the scarce resource's capacity, then shuffled. The task that would exceed it is left out.
 */
import { problem } from '../../core/errors.ts';
import type { Kind, Scene } from './model.ts';

/**
 * Draws a load.
 * @param fill what is to be asked of the scarce resource, in percent of its capacity
 * @throws CubeError `usage` when no task asks for anything, or the load would be more tasks than `tasksMax`
 */
export function drawTasks(
  { tasks, total, scarce, axes }: Scene,
  { fill, random, tasksMax }: { readonly fill: number; readonly random: () => number; readonly tasksMax: number },
): readonly Kind[] {
  const most = (total[scarce]! * fill) / 100;
  if (!tasks.some(({ kind }) => kind.amounts[scarce]! > 0)) {
    throw problem('usage', `--fill draws tasks until they ask for a share of all ${axes.names[scarce]}, and no task asks for any`, {
      hint: 'leave --fill out to place the tasks of the file once, in their order',
    });
  }
  const drawn: Kind[] = [];
  let asked = 0;
  for (;;) {
    const { kind } = tasks[Math.floor(random() * tasks.length)]!;
    if (asked + kind.amounts[scarce]! > most) return shuffled(drawn, random);
    if (drawn.length === tasksMax) {
      throw problem('usage', `--fill ${fill} takes more than ${tasksMax} tasks of this load`, {
        hint: 'fill less, or simulate fewer nodes',
      });
    }
    drawn.push(kind);
    asked += kind.amounts[scarce]!;
  }
}

/** Fisher and Yates, in place. */
function shuffled(tasks: Kind[], random: () => number): Kind[] {
  for (let last = tasks.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [tasks[last], tasks[other]] = [tasks[other]!, tasks[last]!];
  }
  return tasks;
}
