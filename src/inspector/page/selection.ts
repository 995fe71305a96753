/** Which actor is shown, kept in the address so that it can be linked to, and what the list is filtered by. */
import { effect, signal } from '@preact/signals';
import { groups, type ActorView, type Group } from './actor.ts';
import type { Model } from './model.ts';

/** Id of the actor shown, or null for the one that is most worth it. */
export const selected = signal<string | null>(null);

/** Words that an actor listed must have, in any order. */
export const filter = signal('');

/** Groups whose actors are not listed. */
export const folded = signal<ReadonlySet<Group>>(new Set(['Ended']));

/** Ties the selection to the address: `#actor=<id>`. */
export function linkSelection(): void {
  const read = (): void => {
    selected.value = new URLSearchParams(location.hash.slice(1)).get('actor');
  };
  read();
  window.addEventListener('hashchange', read);
  effect(() => {
    if (selected.value === null) return;
    const hash = `#actor=${encodeURIComponent(selected.value)}`;
    if (location.hash !== hash) history.replaceState(null, '', hash);
  });
}

let own: string | null = null;

/** The actor shown: the one selected. Until somebody selects, the first task at work that there is, and before that whatever leads. */
export function shownActor(model: Model): ActorView | undefined {
  if (selected.value !== null) return model.actors.get(selected.value);
  const kept = own === null ? undefined : model.actors.get(own);
  if (kept?.record === 'task') return kept;
  const actors = [...model.actors.values()];
  const chosen = actors.find(({ group }) => group === 'Tasks') ?? kept ?? actors.find(({ group }) => group === 'This node') ?? actors[0];
  own = chosen?.id ?? null;
  return chosen;
}

/** The actors listed, by group, in the order of their names. */
export function listedActors(model: Model, words: string): [Group, ActorView[]][] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const byGroup = new Map<Group, ActorView[]>(groups.map((group) => [group, []]));
  for (const actor of model.actors.values()) {
    const text = `${actor.name} ${actor.stateText} ${actor.shortId} ${actor.chart.id}`.toLowerCase();
    if (wanted.every((word) => text.includes(word))) byGroup.get(actor.group)!.push(actor);
  }
  for (const actors of byGroup.values()) actors.sort(inOrder);
  return [...byGroup].filter(([, actors]) => actors.length > 0);
}

const collator = new Intl.Collator('en', { numeric: true });

function inOrder(a: ActorView, b: ActorView): number {
  if (a.group === 'Ended') return b.since - a.since;
  return collator.compare(a.shortName, b.shortName) || collator.compare(a.id, b.id);
}
