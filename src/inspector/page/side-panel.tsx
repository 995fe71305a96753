/** Beside the chart: the state looked at in words, and the edges that no arrow is drawn for. */
import { activePaths, type ChartState } from '../../core/chart.ts';
import type { ActorView } from './actor.ts';
import { listedFor, type Arrows, type ListedEdge } from './arrows.ts';

interface Props {
  readonly actor: ActorView;
  readonly arrows: Arrows;
  /** Path of the state that somebody looks at, or null for the one it is in. */
  readonly looked: string | null;
  readonly onLook: (path: string | null) => void;
}

/** The panel. */
export function SidePanel({ actor, arrows, looked, onLook }: Props) {
  void actor.changed.value;
  const { chart, stateText, taken } = actor;
  const state = chart.states.get(looked ?? stateText);
  const root = chart.states.get('');
  const last = taken === null ? undefined : listedFor(arrows, taken.edge);
  const leading = arrows.listed.filter(({ target }) => target !== null);
  const staying = arrows.listed.filter(({ target }) => target === null);
  return (
    <aside class="side" aria-label="The machine in words">
      {state === undefined ? null : <StateWords actor={actor} state={state} isLooked={looked !== null} onLook={onLook} />}
      {leading.length === 0 ? null : (
        <section>
          <h3>From any state, or from many</h3>
          <ul class="edges">
            {leading.map((edge) => (
              <Listed key={`${edge.label} ${edge.target}`} edge={edge} turn={edge === last ? taken!.count : 0} onLook={onLook} />
            ))}
          </ul>
        </section>
      )}
      {staying.length === 0 ? null : (
        <section>
          <h3>Taken anywhere, staying there</h3>
          <ul class="edges">
            {staying.map(({ label, actions }) => (
              <li key={label}>
                <code>{label}</code> <span class="acts">{actions.join(', ')}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {root === undefined || root.description === '' ? null : (
        <section>
          <h3>The {chart.id} machine</h3>
          <p>{root.description}</p>
        </section>
      )}
    </aside>
  );
}

function StateWords({
  actor,
  state,
  isLooked,
  onLook,
}: { readonly state: ChartState; readonly isLooked: boolean } & Pick<Props, 'actor' | 'onLook'>) {
  const paths = isLooked ? [state.path] : activePaths(actor.value);
  const said = paths.map((path) => actor.chart.states.get(path)?.description ?? '');
  const inside = actor.chart.edges.filter(({ source, target }) => source === state.path && target === null);
  const facts: [string, readonly string[]][] = [
    ['on entry', state.entry],
    ['runs', state.invokes],
    ['on exit', state.exit],
    ['takes', inside.map(({ label }) => label)],
    ['tags', state.tags],
  ];
  return (
    <section class="state-words" aria-live="off">
      <h3>
        {isLooked ? 'State' : 'Now in'} <code>{state.path}</code>
        {isLooked ? (
          <button type="button" onClick={() => onLook(null)}>
            back to now
          </button>
        ) : null}
      </h3>
      <p>{said.join(' ')}</p>
      <dl>
        {facts.map(([name, values]) =>
          values.length === 0 ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{values.join(', ')}</dd>
            </div>
          ),
        )}
      </dl>
    </section>
  );
}

interface ListedProps {
  readonly edge: ListedEdge;
  /** Which turn of the actor took it last; 0 when it was another edge. */
  readonly turn: number;
  readonly onLook: Props['onLook'];
}

function Listed({ edge, turn, onLook }: ListedProps) {
  const { label, target, sources } = edge;
  return (
    // The key makes the flash begin anew when the same edge is taken again.
    <li key={turn} class={turn > 0 ? 'taken' : ''} title={sources.length === 0 ? 'from any state' : `from ${sources.join(', ')}`}>
      <code>{label}</code> <span aria-label="to">→</span>{' '}
      <button type="button" onClick={() => onLook(target)}>
        {target}
      </button>
      {sources.length === 0 ? null : <span class="acts">from {sources.length} states</span>}
    </li>
  );
}
