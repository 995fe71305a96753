/** Which of the tasks on one node are to go: the least of them, exactly while that is cheap, else nearly. */
import type { Ask } from '../../core/placement.ts';
import { amountOf } from '../node-table.ts';
import { needsOf } from './columns.ts';
import { slack, type Room, type Victim } from './room.ts';

/** How many more sets of victims may be tried, over all nodes of one question; counted down. */
export interface Budget {
  sets: number;
}

/** What is asked of a node: who may go, whether the task would fit without some of them, and what a victim's loss weighs. */
export interface Search {
  readonly room: Room;
  readonly ask: Ask;
  /** May go; without all of them the task fits. */
  readonly victims: readonly Victim[];
  readonly fitsWithout: (victims: readonly Victim[]) => boolean;
  /** A whole number of 0 or more. */
  readonly lossOf: (victim: Victim) => number;
  /** Sets of more are of no use. */
  readonly most: number;
  readonly budget: Budget;
}

/** What is missing of one resource, and what each victim would give. */
interface Gap {
  readonly short: number;
  readonly gives: readonly number[];
  /** The most that one victim gives, from each index on. */
  readonly most: readonly number[];
}

/**
 * The least set of victims: fewest first, then the least lost, then the newest. Past the budget: one of which none is superfluous.
 * Undefined when more would have to go than are of use.
 */
export function leastVictims(search: Search): readonly Victim[] | undefined {
  const forced = forcedOf(search);
  if (forced.length > search.most) return undefined;
  if (forced.length > 0 && search.fitsWithout(forced)) return forced;
  const others = search.victims
    .filter((victim) => !forced.includes(victim))
    .map((victim) => ({ victim, loss: search.lossOf(victim) }))
    .sort((a, b) => a.loss - b.loss || b.victim.createdAt - a.victim.createdAt || (a.victim.id < b.victim.id ? -1 : 1));
  const victims = others.map(({ victim }) => victim);
  const gaps = gapsOf(search, victims, forced);
  for (let size = 1; search.budget.sets > 0; size++) {
    if (size > victims.length || forced.length + size > search.most) return undefined;
    const found = new Combination(search, forced, others, gaps, size).best();
    if (found) return [...forced, ...found];
  }
  return greedy(search, forced, victims, gaps);
}

/** Those who hold a fixed port that is asked for: without them gone it never fits. */
function forcedOf({ ask, victims, fitsWithout }: Search): readonly Victim[] {
  const hosts = new Set(ask.ports.map(({ host }) => host));
  const holders = victims.filter(({ ports }) => ports.some(({ host }) => hosts.has(host)));
  return holders.filter((holder) => !fitsWithout(victims.filter((victim) => victim !== holder)));
}

function gapsOf({ room, ask }: Search, victims: readonly Victim[], forced: readonly Victim[]): readonly Gap[] {
  const { capacity, reserved, slotsMax, tasks } = room.view;
  const [needs, has, taken] = [needsOf(ask.resources), needsOf(capacity), needsOf(reserved)];
  const rows = needs.map((need, at) => {
    const isSlots = at === needs.length - 1;
    const free = isSlots ? slotsMax - tasks : has[at]! * (1 + slack) - taken[at]!;
    return { need, free, of: (victim: Victim): number => needsOf(victim.resources)[at]! };
  });
  for (const [name, need] of Object.entries(ask.resources.custom)) {
    const free = amountOf(capacity, name) * (1 + slack) - amountOf(reserved, name);
    rows.push({ need, free, of: (victim) => amountOf(victim.resources, name) });
  }
  return rows.flatMap(({ need, free, of }) => {
    const short = forced.reduce((left, victim) => left - of(victim), need - free);
    if (need === 0 || short <= 0) return [];
    const gives = victims.map(of);
    const most = [...gives, 0];
    for (let at = gives.length - 1; at >= 0; at--) most[at] = Math.max(gives[at]!, most[at + 1]!);
    return [{ short, gives, most }];
  });
}

/** Somebody who may go, and what that loses. */
interface Candidate {
  readonly victim: Victim;
  readonly loss: number;
}

/** The best set of one size, by trying them in order of loss and leaving out what cannot be enough or better. */
class Combination {
  readonly #search: Search;
  readonly #forced: readonly Victim[];
  readonly #victims: readonly Candidate[];
  readonly #gaps: readonly Gap[];
  /** What is still missing of each resource once those picked are gone. */
  readonly #short: number[];
  readonly #size: number;
  readonly #picked: number[] = [];
  #best: { readonly picked: readonly number[]; readonly loss: number; readonly created: number } | undefined;

  constructor(search: Search, forced: readonly Victim[], victims: readonly Candidate[], gaps: readonly Gap[], size: number) {
    this.#search = search;
    this.#forced = forced;
    this.#victims = victims;
    this.#gaps = gaps;
    this.#short = gaps.map(({ short }) => short);
    this.#size = size;
  }

  best(): readonly Victim[] | undefined {
    this.#from(0, 0, 0);
    return this.#best?.picked.map((at) => this.#victims[at]!.victim);
  }

  #from(start: number, loss: number, created: number): void {
    const left = this.#size - this.#picked.length;
    if (left === 0) return this.#take(loss, created);
    for (let at = start; at <= this.#victims.length - left; at++) {
      if (this.#search.budget.sets <= 0) return;
      const { victim, loss: own } = this.#victims[at]!;
      // They stand in order of loss: from here on nothing better follows, or nothing that is enough.
      if (this.#best && loss + own * left > this.#best.loss) return;
      if (!this.#canCover(at, left)) return;
      this.#search.budget.sets--;
      this.#picked.push(at);
      for (let gap = 0; gap < this.#gaps.length; gap++) this.#short[gap]! -= this.#gaps[gap]!.gives[at]!;
      this.#from(at + 1, loss + own, created + victim.createdAt);
      for (let gap = 0; gap < this.#gaps.length; gap++) this.#short[gap]! += this.#gaps[gap]!.gives[at]!;
      this.#picked.pop();
    }
  }

  #canCover(at: number, left: number): boolean {
    for (let gap = 0; gap < this.#gaps.length; gap++) if (this.#short[gap]! > this.#gaps[gap]!.most[at]! * left) return false;
    return true;
  }

  #take(loss: number, created: number): void {
    const best = this.#best;
    if (best && (loss > best.loss || (loss === best.loss && created <= best.created))) return;
    const victims = this.#picked.map((at) => this.#victims[at]!.victim);
    if (this.#search.fitsWithout([...this.#forced, ...victims])) this.#best = { picked: [...this.#picked], loss, created };
  }
}

/** Takes who gives most of what is missing until the task fits, then lets off, the most valuable first, whom it fits without. */
function greedy(search: Search, forced: readonly Victim[], victims: readonly Victim[], gaps: readonly Gap[]): readonly Victim[] {
  const short = gaps.map((gap) => gap.short);
  const left = new Set(victims.keys());
  const helps = (at: number): number =>
    gaps.reduce((sum, gap, row) => sum + Math.min(1, Math.max(0, Math.min(gap.gives[at]!, short[row]!) / gap.short)), 0);
  let picked: number[] = [];
  const without = (indices: readonly number[]): readonly Victim[] => [...forced, ...indices.map((at) => victims[at]!)];
  while (left.size > 0 && !(short.every((amount) => amount <= 0) && search.fitsWithout(without(picked)))) {
    let [next, most] = [-1, -1];
    for (const at of left) {
      const help = helps(at);
      if (help > most) [next, most] = [at, help];
    }
    left.delete(next);
    picked.push(next);
    for (const [row, gap] of gaps.entries()) short[row]! -= gap.gives[next]!;
  }
  // Victims stand in order of loss.
  const byWorth = picked.toSorted((a, b) => victims[b]!.priority - victims[a]!.priority || b - a);
  for (const at of byWorth) {
    const others = picked.filter((other) => other !== at);
    if (search.fitsWithout(without(others))) picked = others;
  }
  return without(picked);
}
