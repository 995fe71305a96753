/** `cube volume`: on which node the data of a slot is, and letting go of it. */
import { problem } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import type { VolumeJson } from '../../core/volume-view.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Cell } from '../table.ts';
import { ago } from '../time.ts';

const actions = ['ls', 'release'];

function rowOf({ slot, node, nodeGone, volumes, inUse, since }: VolumeJson, nowMs: number): Cell[] {
  return [slot, nodeGone ? [`${node} (removed)`, 'bad'] : node, inUse ? 'yes' : 'no', ago(since, nowMs), volumes.join(', ')];
}

async function list(context: Context): Promise<number> {
  const { output } = context;
  const all = await (await connect(context)).volumes();
  if (output.json) output.document(all);
  else if (output.quiet) for (const { slot } of all) output.line(slot);
  else if (all.length === 0) output.note('no slot has data in a volume');
  else {
    const nowMs = Date.now();
    output.table(
      ['SLOT', 'NODE', 'IN USE', 'SINCE', 'VOLUMES'],
      all.map((one) => rowOf(one, nowMs)),
      { fit: true },
    );
  }
  return 0;
}

async function release(context: Context, slot: string): Promise<number> {
  const { output } = context;
  const released = await (await connect(context)).releaseVolume(slot);
  if (output.json) output.document(released);
  else if (output.quiet) output.line(released.slot);
  else {
    output.line(`${released.slot} is not bound to ${released.node} any more`);
    if (!released.nodeGone) output.note(`its data is still there: docker volume rm ${released.volumes.join(' ')}`);
  }
  return 0;
}

async function volume(context: Context): Promise<number> {
  const [action = 'ls', ...rest] = context.input.args;
  if (action === 'ls') {
    if (rest.length > 0) throw problem('usage', 'cube volume ls takes no argument');
    return list(context);
  }
  if (action === 'release') {
    const [slot] = rest;
    if (slot === undefined || rest.length > 1) {
      throw problem('usage', 'cube volume release takes one slot, like shop/db.1', { hint: '`cube volume ls` lists them' });
    }
    return release(context, slot);
  }
  const close = nearest(action, actions);
  throw problem('usage', `cube volume has no action "${action}"${close ? `; did you mean ${close}?` : ''}`, {
    hint: 'there are `cube volume ls` and `cube volume release SLOT`',
  });
}

/** `cube volume`. */
export const command: Command = {
  usage: 'volume [...action]',
  summary: 'where the data of slots is; `release SLOT` lets a slot begin anew on another node, and removes nothing',
  note: 'A slot with a named volume stays on the node that has its data, also after `cube stop --purge`. Cube never removes a volume.',
  options: [],
  examples: [
    ['cube volume ls', 'a line a slot: its node, and the volumes of the engine there'],
    ['cube volume release shop/db.1', 'when its node is gone for good, and the data with it'],
  ],
  run: volume,
};
