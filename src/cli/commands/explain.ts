/** `cube explain TASK`: every node, filtered why or scored how, and the pick. */
import type { Explained } from '../../core/placement.ts';
import { finalStates } from '../../core/task.ts';
import type { ExplainJson } from '../../core/views.ts';
import { counted } from '../../core/text.ts';
import type { Command, Context } from '../command.ts';
import { connect } from '../connect.ts';
import type { Client } from '../connect.ts';
import { missingIn, onlySlotOf, unlessMissing } from '../find.ts';
import { alignTable } from '../table.ts';
import type { Cell } from '../table.ts';
import { whyText } from '../tasks.ts';
import type { Paint } from '../output.ts';

function rounded(value: number | undefined): string {
  return value === undefined ? '' : String(Number(value.toFixed(4)));
}

/** Whether it comes last of those that can take the task, whatever its score: then it says why. */
function isAvoided(node: Explained): boolean {
  return node.feasible && node.detail !== undefined;
}

function row(node: Explained, picked: string | null, terms: readonly string[]): Cell[] {
  const verdict: Cell = node.feasible ? ['feasible', 'good'] : [`filtered: ${node.filter ?? 'unknown'}`, 'bad'];
  const mark: Cell = node.node === picked ? ['*', 'strong'] : '';
  return [mark, node.node, verdict, rounded(node.score), ...terms.map((term) => rounded(node.terms?.[term])), node.detail ?? ''];
}

/** Where it is, or where it was if it has ended: nothing is picked for that any more. */
function placeText({ picked, state }: ExplainJson): string {
  if (picked === null) return 'no node was picked';
  return finalStates.has(state) ? `had been placed on ${picked}` : `picked ${picked}`;
}

/**
 * Lines for people: a line a node, best first, then what was picked.
 * @param cause why the task ended, where that is known
 */
export function explainLines(explained: ExplainJson, paint: Paint, cause = ''): string[] {
  const { nodes, picked, reasons, slot, state } = explained;
  const terms = [...new Set(nodes.flatMap((node) => Object.keys(node.terms ?? {})))];
  const order = nodes.toSorted(
    (a, b) =>
      Number(b.feasible) - Number(a.feasible) ||
      Number(isAvoided(a)) - Number(isAvoided(b)) ||
      (a.score ?? 0) - (b.score ?? 0) ||
      a.node.localeCompare(b.node),
  );
  const titles = ['', 'NODE', 'VERDICT', 'SCORE', ...terms.map((term) => term.toUpperCase()), 'DETAIL'];
  const table = alignTable(
    titles,
    order.map((node) => row(node, picked, terms)),
    paint,
  );
  const why = reasons.map((reason) => `  ${counted(reason.nodes, 'node')}: ${reason.filter}: ${reason.detail}`);
  const word = `${slot} is ${state}: ${[...(cause ? [cause] : []), placeText(explained)].join('; ')}`;
  return [...table, '', word, ...why];
}

/** What the manager says of a task, or of the only one of a job. @throws CubeError `not-found`; `conflict` for a job of several */
async function askAbout(client: Client, ref: string): Promise<ExplainJson> {
  const explained = await unlessMissing(client.explain(ref));
  if (explained) return explained;
  const status = await client.status();
  const slot = onlySlotOf(status, ref);
  if (slot === undefined) throw missingIn(ref, 'task', status);
  return client.explain(slot);
}

/** Why a task ended, or for whose end a pending one waits; empty when there is nothing to say that the nodes' lines do not. */
async function causeOf(client: Client, { task, state }: ExplainJson): Promise<string> {
  const isPending = state === 'pending';
  if (!finalStates.has(state) && !isPending) return '';
  const status = await unlessMissing(client.status({ task }));
  const [record] = status?.tasks ?? [];
  const why = record ? whyText(record) : '';
  return isPending && !why.startsWith('waits for ') ? '' : why;
}

async function explain(context: Context): Promise<number> {
  const { input, output } = context;
  const ref = input.args[0]!;
  const client = await connect(context);
  const explained = await askAbout(client, ref);
  if (output.json) output.document(explained);
  else if (output.quiet) output.line(explained.picked ?? '');
  else for (const line of explainLines(explained, output.paint, await causeOf(client, explained))) output.line(line);
  return 0;
}

/** `cube explain`. */
export const command: Command = {
  usage: 'explain <task>',
  summary: 'why a task is where it is, or is nowhere: every node, filtered why or scored how',
  note: "SCORE is what the task costs on a node, by the scheduler's policy: the sum of the columns after it; less is better. `*` is where it was placed.",
  options: [],
  examples: [['cube explain shop/web.2', 'by slot, id, a unique prefix of one, or the name of a job with one task']],
  run: explain,
};
