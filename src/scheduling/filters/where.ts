/** Filters about which node it is, not about what it has: state, eligibility, name, data center. */
import { listed } from '../../core/text.ts';
import { closed, conditions, open, type Condition } from '../conditions.ts';
import type { Filter } from '../filter.ts';

/** What each condition means for a task that is to be placed; only `open` takes any. */
const conditionTexts: Readonly<Partial<Record<Condition, string>>> = {
  joining: 'still joining',
  suspect: 'suspect: not heard of for a moment',
  down: 'down: not heard of',
  away: 'away: it said that it will be back',
  draining: 'draining: its tasks are being moved',
  unknown: 'in a state that is not known',
};

function subjectText(rows: readonly number[]): string {
  return rows.length === 1 ? 'the node is' : 'the nodes are';
}

/** Only nodes that are ready, with an engine that answers. */
export const stateFilter: Filter = {
  name: 'state',
  fails: ({ columns }, _, row) => {
    const code = columns.conditions[row]!;
    return code === open || code === closed ? undefined : conditions[code];
  },
  detail: (condition, rows) =>
    condition === 'engine away'
      ? `${rows.length === 1 ? "the node's engine does" : "the nodes' engines do"} not answer`
      : `${subjectText(rows)} ${conditionTexts[condition as Condition] ?? condition}`,
};

/** Only nodes that an operator has not set aside. */
export const eligibleFilter: Filter = {
  name: 'eligible',
  fails: ({ columns }, _, row) => (columns.conditions[row] === closed ? '' : undefined),
  detail: (_, rows) => `${subjectText(rows)} set to take no new tasks`,
};

/** Only the node that the task is bound to by name. */
export const nodeFilter: Filter = {
  name: 'node',
  concerns: ({ where }) => where.ask.onNode !== undefined,
  fails: (_, { where }, row) => (where.ask.onNode === undefined || where.onRow === row ? undefined : ''),
  detail: (_, __, ___, { where }) => `the task is bound to node ${where.ask.onNode}`,
};

/** Only nodes of the data centers the job names; a job that names none goes anywhere. */
export const datacenterFilter: Filter = {
  name: 'datacenter',
  concerns: ({ where }) => where.ask.datacenters.length > 0,
  fails: (run, { where }, row) => {
    const { datacenters } = where.ask;
    return datacenters.length === 0 || datacenters.includes(run.attribute('datacenter', row) ?? '') ? undefined : '';
  },
  detail: (_, rows, run, { where }) => {
    const here = [...new Set(rows.map((row) => run.attribute('datacenter', row) ?? ''))].sort();
    return `not in data center ${listed(where.ask.datacenters, 'or')} (${subjectText(rows)} in ${listed(here)})`;
  },
};
