/** The filter about host ports: fixed ones that are in use, and free ones of which too few are left. */
import { counted, listed } from '../../core/text.ts';
import type { Filter } from '../filter.ts';
import { portText } from '../ports.ts';
import type { PortFailure } from '../ports.ts';
import type { Seat, Wanted } from '../seat.ts';

/** Slots named as users of one port; the others are counted. */
const usersNamedMax = 3;

function failure(seat: Seat, { ask }: Wanted): PortFailure | undefined {
  if (ask.ports.length === 0) return undefined;
  // Whether there are enough does not depend on where the search begins, so no task's id is needed.
  const bound = seat.ports.bind(ask.ports, '');
  return 'failure' in bound ? bound.failure : undefined;
}

function takenDetail(subject: string, seats: readonly Seat[], { ask }: Wanted): string {
  const spec = ask.ports.find((port) => port.host !== undefined && portText(port) === subject);
  const users = new Set<string>();
  for (const seat of seats) {
    const user = spec?.host === undefined ? undefined : seat.ports.user({ ip: spec.ip, host: spec.host, protocol: spec.protocol });
    if (user) users.add(user);
  }
  if (users.size === 0) return `port ${subject} is in use`;
  const named = [...users].sort().slice(0, usersNamedMax);
  const rest = users.size - named.length;
  return `port ${subject} is used by ${listed(rest > 0 ? [...named, `${rest} more`] : named)}`;
}

function rangeDetail(seats: readonly Seat[], { ask }: Wanted): string {
  const wanted = ask.ports.filter((port) => port.host === undefined);
  const left = Math.max(...seats.map((seat) => Math.min(...wanted.map((port) => seat.ports.freeCount(port.ip, port.protocol)))));
  const needs = `needs ${wanted.length}`;
  if (seats.length > 1) return `not enough free host ports (${needs}, largest number left ${left})`;
  const { from, to } = seats[0]!.node.portRange;
  return `not enough free host ports (${needs}, ${counted(left, 'port')} left of ${from}-${to})`;
}

/** Only nodes where every fixed port is free and the range has enough for the others. */
export const portsFilter: Filter = {
  name: 'ports',
  fails: (seat, wanted) => {
    const found = failure(seat, wanted);
    if (!found) return undefined;
    return found.kind === 'range' ? 'range' : `${found.kind} ${portText(found.spec)}`;
  },
  detail: (subject, seats, wanted) => {
    if (subject === 'range') return rangeDetail(seats, wanted);
    const [kind, port] = subject.split(' ') as ['taken' | 'twice', string];
    return kind === 'twice' ? `port ${port} is asked for twice by the task itself` : takenDetail(port, seats, wanted);
  },
};
