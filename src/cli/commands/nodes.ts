/** `cube nodes`: the hosts and what they have left; and what people decide about them. */
import { problem } from '../../core/errors.ts';
import { label } from '../../core/ids.ts';
import { counted, nearest } from '../../core/text.ts';
import type { NodeJson } from '../../core/views.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Cell } from '../table.ts';
import { cores, shareOfBytes } from '../time.ts';

const laterActions = ['confirm-lost', 'drain'];

function rowOf(node: NodeJson, withReason: boolean): Cell[] {
  return [
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
  ];
}

async function list(context: Context): Promise<number> {
  const { output } = context;
  const all = await (await connect(context)).nodes();
  if (output.json) output.document(all);
  else if (output.quiet) for (const node of all) output.line(node.name);
  else {
    const withReason = all.some((node) => node.reason !== null);
    const columns = ['NAME', 'MEMORY', 'DISK', 'ROLE', 'TASKS', 'CPU', 'DC', 'STATE', ...(withReason ? ['REASON'] : [])];
    const rows = all.map((node) => rowOf(node, withReason));
    output.table(columns, rows, { fit: withReason });
  }
  return 0;
}

/** Tells what became of a node. */
function tell({ output }: Context, node: NodeJson, said: string): number {
  if (output.json) output.document(node);
  else if (output.quiet) output.line(node.name);
  else output.line(said);
  return 0;
}

async function remove(context: Context, ref: string, rest: readonly string[]): Promise<number> {
  const { output } = context;
  if (rest.length > 0) throw problem('usage', 'cube nodes rm takes one node');
  const node = await (await connect(context)).removeNode(ref);
  const { name, id, tasks } = node;
  const lost =
    tasks === 0
      ? '; it had no tasks'
      : `: ${counted(tasks, 'task is lost', 'tasks are lost')}, and placed anew where there is a node for them`;
  const exit = tell(context, node, `node ${name} is removed${lost}`);
  output.note(`should it come back, it joins as a new one, and containers of before that it still has are stopped then;`);
  output.note(`but if it has lost its data directory, they are left: docker ps --filter label=${label.node}=${id}`);
  return exit;
}

async function eligible(context: Context, ref: string, rest: readonly string[]): Promise<number> {
  const [word] = rest;
  if (rest.length !== 1 || (word !== 'on' && word !== 'off')) throw problem('usage', 'cube nodes eligible takes a node, and on or off');
  const node = await (await connect(context)).setEligible(ref, word === 'on');
  return tell(context, node, `node ${node.name} ${node.eligible ? 'gets new tasks' : 'gets no new tasks; what runs there stays'}`);
}

/** `k=v` sets a label, `k-` removes it. @throws CubeError `usage` */
function labelChange(words: readonly string[]): { readonly set: Readonly<Record<string, string>>; readonly remove: readonly string[] } {
  const set = new Map<string, string>();
  const removed: string[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals > 0 ? word.slice(0, equals) : word.slice(0, -1);
    if (name === '' || equals === 0 || (equals < 0 && !word.endsWith('-')))
      throw problem('usage', `a label is key=value, or key- to remove it, not "${word}"`);
    if (set.has(name) || removed.includes(name)) throw problem('usage', `label ${name} is named twice`);
    if (equals > 0) set.set(name, word.slice(equals + 1));
    else removed.push(name);
  }
  return { set: Object.fromEntries(set), remove: removed };
}

async function relabel(context: Context, ref: string, words: readonly string[]): Promise<number> {
  if (words.length === 0) throw problem('usage', 'cube nodes label takes a node, and labels: key=value, or key- to remove one');
  const change = labelChange(words);
  const node = await (await connect(context)).setLabels(ref, change);
  const labels = Object.entries(node.labels).map(([name, value]) => `${name}=${value}`);
  return tell(context, node, `labels of node ${node.name}: ${labels.length === 0 ? 'none' : labels.join(' ')}`);
}

const actions: Readonly<Record<string, (context: Context, ref: string, rest: readonly string[]) => Promise<number>>> = {
  rm: remove,
  eligible,
  label: relabel,
};

async function nodes(context: Context): Promise<number> {
  const [action, ref, ...rest] = context.input.args;
  if (action === undefined) return list(context);
  if (laterActions.includes(action)) throw problem('not-yet', `\`cube nodes ${action}\` is not in this version yet`);
  const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (run === undefined) {
    const close = nearest(action, [...Object.keys(actions), ...laterActions]);
    throw problem('usage', `cube nodes has no action "${action}"${close ? `; did you mean ${close}?` : ''}`, {
      hint: `\`cube status ${action}\` shows one node`,
    });
  }
  if (ref === undefined) throw problem('usage', `cube nodes ${action} takes a node`, { hint: '`cube nodes` lists them' });
  return run(context, ref, rest);
}

/** `cube nodes`. */
export const command: Command = {
  usage: 'nodes [...action]',
  summary: 'the nodes, with what is reserved of them; `rm`, `eligible` and `label` change one',
  note: 'A node that is removed must be stopped; what ran there is replaced elsewhere. Labels set here hold over its restarts.',
  options: [],
  examples: [
    ['cube nodes', 'a line a node'],
    ["cube nodes -o json | jq '.[].capacity'", 'for scripts'],
    ['cube nodes eligible w2 off', 'nothing new is placed there; what runs stays'],
    ['cube nodes label w2 disk=ssd old-', 'gives it a label, and takes one away'],
    ['cube nodes rm w2', 'forgets a node that is gone for good'],
  ],
  run: nodes,
};
