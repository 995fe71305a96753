/** The list of actors: grouped, filtered, walked with the arrow keys. */
import type { ActorView, Group } from './actor.ts';
import type { Model } from './model.ts';
import { filter, folded, listedActors, selected, shownActor } from './selection.ts';
import { Dot } from './top-bar.tsx';
import { toneOf } from './tone.ts';

/** Rows of one group at most; the filter finds the others. */
const rowsMax = 300;

/** The list. */
export function ActorList({ model }: { readonly model: Model }) {
  void model.listChanged.value;
  const grouped = listedActors(model, filter.value);
  const current = shownActor(model);
  return (
    <nav class="actors" aria-label="Actors" onKeyDown={walk}>
      <div class="filter">
        <input
          id="filter"
          type="search"
          placeholder="Filter: name, state, id   ( / )"
          aria-label="Filter actors by name, state or id"
          spellcheck={false}
          value={filter.value}
          onInput={({ currentTarget }) => (filter.value = currentTarget.value)}
        />
      </div>
      <div class="groups">
        {grouped.map(([group, actors]) => (
          <GroupRows key={group} group={group} actors={actors} current={current} />
        ))}
        {grouped.length === 0 && filter.value !== '' ? <p class="none">Nothing matches.</p> : null}
      </div>
    </nav>
  );
}

interface GroupProps {
  readonly group: Group;
  readonly actors: readonly ActorView[];
  readonly current: ActorView | undefined;
}

function GroupRows({ group, actors, current }: GroupProps) {
  // Who filters wants to see what is found.
  const isFolded = folded.value.has(group) && filter.value === '';
  const left = actors.length - rowsMax;
  return (
    <section>
      <h2>
        <button type="button" aria-expanded={!isFolded} onClick={() => fold(group)}>
          <span class="fold" aria-hidden="true" />
          {group} <span class="count">{actors.length}</span>
        </button>
      </h2>
      {isFolded ? null : (
        <ul>
          {actors.slice(0, rowsMax).map((actor) => (
            <li key={actor.id}>
              <Row actor={actor} isCurrent={actor === current} />
            </li>
          ))}
          {left > 0 ? <li class="none">{left} more; filter to find them</li> : null}
        </ul>
      )}
    </section>
  );
}

function Row({ actor, isCurrent }: { readonly actor: ActorView; readonly isCurrent: boolean }) {
  void actor.changed.value;
  const tone = actor.ended && actor.stateText === '' ? 'idle' : toneOf(`${actor.stateText}.${actor.innerText}`);
  return (
    <button
      type="button"
      class={`row${actor.stale ? ' stale' : ''}${actor.ended ? ' ended' : ''}`}
      data-actor={actor.id}
      data-testid="actor"
      aria-current={isCurrent ? 'true' : undefined}
      title={actor.name}
      onClick={() => (selected.value = actor.id)}
    >
      <Dot tone={tone} />
      <span class="row-name">{actor.shortName}</span>
      {actor.group === 'Ended' && actor.record === 'task' ? <span class="row-id">{actor.shortId.slice(5, 13)}</span> : null}
      <span class={`chip ${tone}`}>{actor.stateText}</span>
    </button>
  );
}

function fold(group: Group): void {
  const next = new Set(folded.value);
  if (!next.delete(group)) next.add(group);
  folded.value = next;
}

/** Up and down go through the rows, and choose; down leads from the filter to the first. */
function walk(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('.row')];
  const at = rows.indexOf(document.activeElement as HTMLButtonElement);
  const next = at === -1 ? (rows.find((row) => row.ariaCurrent === 'true') ?? rows[0]) : rows[at + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
  selected.value = next.dataset['actor'] ?? null;
}
