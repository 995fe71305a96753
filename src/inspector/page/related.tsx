/** Links to the actors that belong to one: what it is part of, what is part of it, and who supervises it. */
import type { ActorView } from './actor.ts';
import type { Model } from './model.ts';
import { selected } from './selection.ts';
import { Dot } from './top-bar.tsx';
import { toneOf } from './tone.ts';

/** Links at most. */
const linksMax = 6;

const collator = new Intl.Collator('en', { numeric: true });

/** The links. */
export function Related({ actor, model }: { readonly actor: ActorView; readonly model: Model }) {
  void model.listChanged.value;
  const others = [...model.actors.values()].sort((a, b) => collator.compare(a.name, b.name));
  const parent = actor.parentId === null ? [] : others.filter(({ id }) => id === actor.parentId);
  const children = others.filter(({ parentId, ended }) => parentId === actor.id && !ended);
  const task = taskOf(actor);
  const twins = task === undefined ? [] : others.filter((other) => other !== actor && !other.ended && taskOf(other) === task);
  const links = [...parent, ...twins, ...children];
  if (links.length === 0) return null;
  return (
    <nav class="related" aria-label="Related actors">
      {links.slice(0, linksMax).map((other) => (
        <button key={other.id} type="button" title={`${other.name}: ${other.stateText}`} onClick={() => (selected.value = other.id)}>
          <Dot tone={toneOf(`${other.stateText}.${other.innerText}`)} /> {other.name}
        </button>
      ))}
      {links.length > linksMax ? <span class="none">and {links.length - linksMax} more</span> : null}
    </nav>
  );
}

/** The id of the task that an actor stands for: a record's, or the one that a supervisor keeps. */
function taskOf({ record, shortId, group, context }: ActorView): string | undefined {
  if (record === 'task') return shortId.slice('task:'.length);
  if (group !== 'Supervisors') return undefined;
  return (context as { readonly order?: { readonly id?: string } } | null)?.order?.id;
}
