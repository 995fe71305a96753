/** The filter about host ports: fixed ones that are in use, and free ones of which too few are left. */
import { counted, listed } from '../../core/text.ts';
import type { Filter } from '../filter.ts';
import { most } from '../placing/most.ts';
import { portText } from '../ports.ts';
import type { PortFailure } from '../ports.ts';
import type { Run, Wanted } from '../placing/run.ts';

/** Slots named as users of one port; the others are counted. */
const usersNamedMax = 3;

function failure(run: Run, { where: { ask } }: Wanted, row: number): PortFailure | undefined {
  if (ask.ports.length === 0) return undefined;
  // Whether there are enough does not depend on where the search begins, so no task's id is needed.
  const bound = run.ports(row).bind(ask.ports, '');
  return 'failure' in bound ? bound.failure : undefined;
}

function takenDetail(subject: string, rows: readonly number[], run: Run, { where: { ask } }: Wanted): string {
  const spec = ask.ports.find((port) => port.host !== undefined && portText(port) === subject);
  const users = new Set<string>();
  for (const row of rows) {
    const user = spec?.host === undefined ? undefined : run.ports(row).user({ ip: spec.ip, host: spec.host, protocol: spec.protocol });
    if (user) users.add(user);
  }
  if (users.size === 0) return `port ${subject} is in use`;
  const named = [...users].sort().slice(0, usersNamedMax);
  const rest = users.size - named.length;
  return `port ${subject} is used by ${listed(rest > 0 ? [...named, `${rest} more`] : named)}`;
}

function rangeDetail(rows: readonly number[], run: Run, { where: { ask } }: Wanted): string {
  const wanted = ask.ports.filter((port) => port.host === undefined);
  const left = most(rows, (row) => Math.min(...wanted.map((port) => run.ports(row).freeCount(port.ip, port.protocol))));
  const needs = `needs ${wanted.length}`;
  if (rows.length > 1) return `not enough free host ports (${needs}, largest number left ${left})`;
  const { from, to } = run.columns.ports[rows[0]!]!.portRange;
  return `not enough free host ports (${needs}, ${counted(left, 'port')} left of ${from}-${to})`;
}

/** Only nodes where every fixed port is free and the range has enough for the others. */
export const portsFilter: Filter = {
  name: 'ports',
  fails: (run, wanted, row) => {
    const found = failure(run, wanted, row);
    if (!found) return undefined;
    return found.kind === 'range' ? 'range' : `${found.kind} ${portText(found.spec)}`;
  },
  detail: (subject, rows, run, wanted) => {
    if (subject === 'range') return rangeDetail(rows, run, wanted);
    const [kind, port] = subject.split(' ') as ['taken' | 'twice', string];
    return kind === 'twice' ? `port ${port} is asked for twice by the task itself` : takenDetail(port, rows, run, wanted);
  },
};
