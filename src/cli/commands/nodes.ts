/** `cube nodes`: the hosts and what they have left. */
import { problem } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Cell } from '../table.ts';
import { cores, shareOfBytes } from '../time.ts';

const laterActions = ['label', 'eligible', 'rm', 'confirm-lost'];

function refuseActions(actions: readonly string[]): void {
  const [action] = actions;
  if (action === undefined) return;
  if (laterActions.includes(action)) throw problem('not-yet', `\`cube nodes ${action}\` is not in this version yet`);
  const close = nearest(action, laterActions);
  throw problem('usage', `cube nodes has no action "${action}"${close ? `; did you mean ${close}?` : ''}`, {
    hint: `\`cube status ${action}\` shows one node`,
  });
}

async function nodes(context: Context): Promise<number> {
  const { output, input } = context;
  refuseActions(input.args);
  const client = await connect(context);
  const all = await client.nodes();
  if (output.json) output.document(all);
  else if (output.quiet) for (const node of all) output.line(node.name);
  else {
    const withReason = all.some((node) => node.reason !== null);
    const rows = all.map((node): Cell[] => [
      node.name,
      shareOfBytes(node.reserved.memoryBytes, node.capacity.memoryBytes),
      shareOfBytes(node.reserved.diskBytes, node.capacity.diskBytes),
      node.role,
      String(node.tasks),
      `${cores(node.reserved.cpu)}/${cores(node.capacity.cpu)}`,
      node.dc,
      [
        [node.state, ...(node.engineAway ? ['engine away'] : []), ...(node.eligible ? [] : ['not eligible'])].join(', '),
        node.state === 'down' || node.engineAway ? 'bad' : node.state === 'ready' ? 'good' : 'busy',
      ],
      ...(withReason ? [node.reason ?? ''] : []),
    ]);
    output.table(['NAME', 'MEMORY', 'DISK', 'ROLE', 'TASKS', 'CPU', 'DC', 'STATE', ...(withReason ? ['REASON'] : [])], rows, {
      fit: withReason,
    });
  }
  return 0;
}

/** `cube nodes`. */
export const command: Command = {
  usage: 'nodes [...action]',
  summary: 'the nodes, with what is reserved of their memory, disk and cpu',
  options: [],
  examples: [
    ['cube nodes', 'a line a node'],
    ["cube nodes -o json | jq '.[].capacity'", 'for scripts'],
  ],
  run: nodes,
};
