/** What people decide about nodes: that one is gone for good, that it gets nothing new, what it is labelled with. */
import { problem } from '../../src/core/errors.ts';
import type { NodeFacts, NodeRecord } from '../../src/core/node.ts';
import { isFinal } from '../../src/core/task.ts';
import type { LabelChange, NodeStatus } from '../../src/ports/control.ts';
import type { Leader } from './leader.ts';
import { moveTask } from './moves.ts';
import { nodeStatus } from './queries.ts';
import { nodeChanged } from './system.ts';

/** The node of that name or id, or the only one whose id begins so. @throws CubeError `not-found`, `conflict` */
function nodeCalled({ state }: Leader, ref: string): NodeRecord {
  const exact = state.nodes.get(ref) ?? state.nodeNamed(ref);
  if (exact) return exact;
  const begun = ref === '' ? [] : [...state.nodes.values()].filter(({ id }) => id.startsWith(ref));
  if (begun.length > 1) {
    throw problem('conflict', `"${ref}" is the beginning of the ids of ${begun.length} nodes: ${begun.map(({ name }) => name).join(', ')}`);
  }
  if (begun[0]) return begun[0];
  throw problem('not-found', `there is no node "${ref}"`, { hint: '`cube nodes` lists them' });
}

/** A node's facts as it told them, with the labels that people gave it or took from it. */
export function withLabels<Facts extends NodeFacts>(facts: Facts, labelsSet: NodeRecord['labelsSet'] = {}): Facts {
  const labels = Object.entries({ ...facts.labels, ...labelsSet }).filter((entry): entry is [string, string] => entry[1] !== null);
  return { ...facts, labels: Object.fromEntries(labels) };
}

/** Forgets a node: what ran there counts as lost, and is replaced elsewhere. The data of its slots stays claimed. */
export function dropNode(
  leader: Leader,
  node: NodeRecord,
  how: { readonly reason: string; readonly cause: string; readonly event: string },
): void {
  const { id, name } = node;
  const finishedAt = leader.deps.ambient.clock.now();
  for (const task of leader.state.tasksOn(id)) {
    if (!isFinal(task)) moveTask(leader, task, 'node.removed', { finishedAt, reason: how.reason }, how.reason);
  }
  leader.deadlines.clear(`node:${id}`);
  leader.heardAt.delete(id);
  leader.keeps.delete(id);
  leader.ledger.removeNode(id);
  leader.usage.delete(id);
  leader.taskUsage.drop(id);
  leader.ledger.note({ machine: 'node', id, from: node.state, to: 'none', event: how.event, cause: how.cause, node: name });
}

/** Forgets a node that is gone for good. @throws CubeError `not-found`; `conflict` while it is connected, or may be back in a moment */
export function removeNode(leader: Leader, ref: string): NodeStatus {
  const node = nodeCalled(leader, ref);
  // The link of one that is down may be open still: it hangs, and nobody has told its end.
  if (leader.sessions.isOpen(node.id) && node.state !== 'down') throw problem('conflict', `node ${node.name} is connected; stop it first`);
  if (node.state === 'ready' || node.state === 'suspect') {
    throw problem('conflict', `node ${node.name} was heard a moment ago`, {
      hint: 'try again when `cube nodes` says that it is down or away',
    });
  }
  const before = nodeStatus(leader, node);
  leader.sessions.cut(node.id, 'the node was removed');
  dropNode(leader, node, { event: 'node.removed', reason: `node ${node.name} was removed`, cause: 'removed by its user' });
  leader.roomChanged();
  nodeChanged(leader, node.id);
  return before;
}

/** Says whether a node gets new tasks; what runs there stays. @throws CubeError `not-found`, `conflict` */
export function setEligible(leader: Leader, ref: string, eligible: boolean): NodeStatus {
  const node = nodeCalled(leader, ref);
  if (node.eligible === eligible) return nodeStatus(leader, node);
  const cause = eligible ? 'gets new tasks again' : 'gets no new tasks, as its user wants';
  return change(leader, { ...node, eligible }, eligible ? 'node.eligible' : 'node.ineligible', cause);
}

/** Gives a node labels and takes some from it; that holds over its restarts. @throws CubeError `not-found`, `conflict`, `usage` */
export function setLabels(leader: Leader, ref: string, labels: LabelChange): NodeStatus {
  const node = nodeCalled(leader, ref);
  refuseOddLabels(leader, labels);
  const gone = Object.fromEntries(labels.remove.map((name) => [name, null]));
  const labelsSet = { ...node.labelsSet, ...labels.set, ...gone };
  refuseTooMany(leader, labelsSet);
  const labelled = withLabels({ ...node, labelsSet }, labelsSet);
  const said = [...Object.entries(labels.set).map(([name, value]) => `${name}=${value}`), ...labels.remove.map((name) => `${name}-`)];
  return change(leader, labelled, 'node.labelled', said.join(' '));
}

function refuseOddLabels({ deps }: Leader, { set, remove }: LabelChange): void {
  const names = [...Object.keys(set), ...remove];
  if (names.length === 0) throw problem('usage', 'there is no label to set or to remove');
  if (names.includes('')) throw problem('usage', 'a label has no name');
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw problem('usage', `label ${twice} is named twice`);
  const { nodeLabelCharsMax: charsMax } = deps.limits;
  const long = [...names, ...Object.values(set)].find((text) => text.length > charsMax);
  if (long !== undefined) throw problem('usage', `"${long.slice(0, 20)}…" is longer than the ${charsMax} characters of a label`);
}

function refuseTooMany({ deps }: Leader, labelsSet: NonNullable<NodeRecord['labelsSet']>): void {
  const { nodeLabelsMax } = deps.limits;
  if (Object.keys(labelsSet).length > nodeLabelsMax) throw problem('usage', `a node takes ${nodeLabelsMax} labels this way, and no more`);
}

function change(leader: Leader, node: NodeRecord, event: string, cause: string): NodeStatus {
  const changed = { ...node, updatedAt: leader.deps.ambient.clock.now() };
  leader.ledger.putNode(changed);
  leader.ledger.note({ machine: 'node', id: node.id, from: node.state, to: node.state, event, cause, node: node.name });
  // Elsewhere, too: what is spread over values of a label may have another place now.
  leader.roomChanged();
  nodeChanged(leader, node.id);
  return nodeStatus(leader, changed);
}
