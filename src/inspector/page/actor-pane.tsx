/** The chosen actor: its state, its statechart, its events, its context. */
import { useState } from 'preact/hooks';
import type { ActorView } from './actor.ts';
import { arrowsOf, type Arrows } from './arrows.ts';
import { Chart } from './chart.tsx';
import { EventLog } from './event-log.tsx';
import type { Model } from './model.ts';
import { Related } from './related.tsx';
import { SidePanel } from './side-panel.tsx';
import { clockTime } from './time.ts';
import { toneOf } from './tone.ts';
import { Tree } from './tree.tsx';

/** The pane. */
export function ActorPane({ actor, model }: { readonly actor: ActorView; readonly model: Model }) {
  void actor.changed.value;
  const [looked, setLooked] = useState<string | null>(null);
  const arrows = arrowsFor(actor);
  const lookAt = (path: string | null): void => setLooked(path === looked ? null : path);
  return (
    <article class="pane" aria-label={actor.name}>
      <Head actor={actor} model={model} />
      <div class="stage">
        <Chart actor={actor} arrows={arrows} looked={looked} onLook={lookAt} />
        <SidePanel actor={actor} arrows={arrows} looked={looked} onLook={lookAt} />
      </div>
      <div class="below">
        <EventLog actor={actor} />
        <section class="context" aria-label="Context">
          <h3>Context</h3>
          <div class="scroll" data-testid="context">
            <Tree value={actor.context} />
          </div>
        </section>
      </div>
    </article>
  );
}

function Head({ actor, model }: { readonly actor: ActorView; readonly model: Model }) {
  void actor.changed.value;
  const { stateText, innerText, chart, status, since } = actor;
  return (
    <header class="head">
      <div class="title">
        <h2>{actor.name}</h2>
        <p class="kind">
          {chart.id} machine · <code title={actor.id}>{actor.shortId}</code>
        </p>
      </div>
      <p class="state-now" role="status">
        <output class={`big-state lit ${toneOf(stateText)}`} data-testid="lit-state">
          {stateText}
        </output>
        {innerText === '' ? null : (
          <span class={`chip ${toneOf(innerText)}`} data-testid="inner-state">
            {innerText}
          </span>
        )}
        {status === 'active' ? null : <span class="chip idle">{status}</span>}
        {since === 0 ? null : <span class="since">since {clockTime(since, false)}</span>}
      </p>
      <Related actor={actor} model={model} />
    </header>
  );
}

const known = new WeakMap<object, Arrows>();

/** The arrows of a chart are the same for all its actors. */
function arrowsFor({ chart }: ActorView): Arrows {
  let arrows = known.get(chart);
  if (arrows === undefined) known.set(chart, (arrows = arrowsOf(chart)));
  return arrows;
}
