/** Filters about room: reserved + asked <= capacity, for each resource and for slots. What is measured does not count here. */
import { formatBytes } from '../../core/resources.ts';
import type { Filter } from '../filter.ts';
import { fits } from '../seat.ts';
import type { Kind, Need, Seat, Wanted } from '../seat.ts';

/** What is left of a resource on a node; 0 where more is reserved than there is. */
function freeOf(seat: Seat, need: Need): number {
  const { capacity, reserved } = seat.stock(need);
  return Math.max(0, capacity - reserved);
}

function plainNumber(amount: number): string {
  return String(Number(amount.toFixed(3)));
}

/** Amounts for people; in full where rounding would make need and free look alike, since then nobody would see what is missing. */
function amountTexts(kind: Kind, amounts: readonly number[]): readonly string[] {
  const isBytes = kind === 'memory' || kind === 'disk';
  const texts = amounts.map(isBytes ? formatBytes : plainNumber);
  if (texts[0] !== texts[1]) return texts;
  return amounts.map((amount) => (isBytes ? `${amount} B` : String(amount)));
}

/** The first of the needs of this kind for which the node has no room. */
function short(kind: Kind, seat: Seat, wanted: Wanted): string | undefined {
  return wanted.needs.find((need) => need.kind === kind && !fits(need, seat.stock(need)))?.name;
}

function roomDetail(kind: Kind, name: string, seats: readonly Seat[], wanted: Wanted): string {
  const need = wanted.needs.find((each) => each.kind === kind && each.name === name)!;
  const unit = kind === 'cpu' && need.amount !== 1 ? ' cores' : kind === 'cpu' ? ' core' : '';
  const free = Math.max(...seats.map((seat) => freeOf(seat, need)));
  if (seats.length > 1) {
    const [needs, largest] = amountTexts(kind, [need.amount, free]);
    return `not enough ${name} (needs ${needs}${unit}, largest free ${largest})`;
  }
  const [needs, left, all] = amountTexts(kind, [need.amount, free, seats[0]!.stock(need).capacity]);
  return `not enough ${name} (needs ${needs}${unit}, ${left} free of ${all})`;
}

function customDetail(name: string, seats: readonly Seat[], wanted: Wanted): string {
  const need = wanted.needs.find((each) => each.kind === 'custom' && each.name === name)!;
  const offered = seats.some((seat) => seat.stock(need).capacity > 0);
  return offered ? roomDetail('custom', name, seats, wanted) : `no ${name} there (needs ${plainNumber(need.amount)})`;
}

function slotsDetail(seats: readonly Seat[], wanted: Wanted): string {
  if (seats.length > 1) return 'no slot is free (the nodes have all the tasks they take)';
  const { reserved, capacity } = seats[0]!.stock(wanted.needs.find((need) => need.kind === 'slots')!);
  return `no slot is free (the node has ${reserved} tasks and takes ${capacity})`;
}

function room(kind: 'cpu' | 'memory' | 'disk'): Filter {
  return {
    name: kind,
    fails: (seat, wanted) => short(kind, seat, wanted),
    detail: (name, seats, wanted) => roomDetail(kind, name, seats, wanted),
  };
}

/** One filter a resource, in the order in which they are asked. */
export const resourceFilters: readonly Filter[] = [
  room('cpu'),
  room('memory'),
  room('disk'),
  { name: 'custom', fails: (seat, wanted) => short('custom', seat, wanted), detail: customDetail },
  { name: 'slots', fails: (seat, wanted) => short('slots', seat, wanted), detail: (_, seats, wanted) => slotsDetail(seats, wanted) },
];
