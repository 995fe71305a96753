/** Filters about which node it is, not about what it has: state, eligibility, name, data center. */
import type { NodeState } from '../../core/node.ts';
import { listed } from '../../core/text.ts';
import type { Filter } from '../filter.ts';
import type { Seat } from '../seat.ts';

/** What each state means for a task that is to be placed; only `ready` takes any. */
const stateTexts: Readonly<Record<NodeState, string | undefined>> = {
  ready: undefined,
  joining: 'still joining',
  suspect: 'suspect: not heard of for a moment',
  down: 'down: not heard of',
  away: 'away: it said that it will be back',
  draining: 'draining: its tasks are being moved',
  drained: 'drained',
};

function subjectText(seats: readonly Seat[]): string {
  return seats.length === 1 ? 'the node is' : 'the nodes are';
}

/** In place of a state: the node is ready, and nothing can be started there. */
const engineAway = 'engine away';

/** Only nodes that are ready, with an engine that answers. A state that is not known is not ready. */
export const stateFilter: Filter = {
  name: 'state',
  fails: ({ node }) => (node.state !== 'ready' ? node.state : node.engineAway ? engineAway : undefined),
  detail: (state, seats) =>
    state === engineAway
      ? `${seats.length === 1 ? "the node's engine does" : "the nodes' engines do"} not answer`
      : `${subjectText(seats)} ${stateTexts[state as NodeState] ?? state}`,
};

/** Only nodes that an operator has not set aside. */
export const eligibleFilter: Filter = {
  name: 'eligible',
  fails: ({ node }) => (node.eligible ? undefined : ''),
  detail: (_, seats) => `${subjectText(seats)} set to take no new tasks`,
};

/** Only the node that the task is bound to by name. */
export const nodeFilter: Filter = {
  name: 'node',
  fails: ({ node }, { ask }) => (ask.onNode === undefined || ask.onNode === node.name ? undefined : ''),
  detail: (_, __, { ask }) => `the task is bound to node ${ask.onNode}`,
};

/** Only nodes of the data centers the job names; a job that names none goes anywhere. */
export const datacenterFilter: Filter = {
  name: 'datacenter',
  fails: ({ node }, { ask }) => (ask.datacenters.length === 0 || ask.datacenters.includes(node.dc) ? undefined : ''),
  detail: (_, seats, { ask }) => {
    const here = [...new Set(seats.map((seat) => seat.node.dc))].sort();
    return `not in data center ${listed(ask.datacenters, 'or')} (${subjectText(seats)} in ${listed(here)})`;
  },
};
