/** The bar on top: which node, how it stands with it, and what its tasks do, in numbers. */
import type { Model } from './model.ts';
import { Mark } from './mark.tsx';
import { connection, info, retryNow } from './session.ts';
import { clockTime } from './time.ts';
import { toneOf, type Tone } from './tone.ts';

/** The bar. */
export function TopBar({ model }: { readonly model: Model }) {
  return (
    <header class="top-bar">
      <h1>
        <Mark /> Cube <span>inspector</span>
      </h1>
      {info.value === null ? null : (
        <p class="node-name" title={`${info.value.role} · cube ${info.value.version} · node ${info.value.nodeId}`}>
          {info.value.name}
        </p>
      )}
      <Census model={model} />
      <Connected model={model} />
    </header>
  );
}

/** Tasks at work, by state. */
function Census({ model }: { readonly model: Model }) {
  void model.listChanged.value;
  const states = new Map<string, number>();
  for (const actor of model.actors.values()) {
    if (actor.group === 'Tasks') states.set(actor.stateText, (states.get(actor.stateText) ?? 0) + 1);
  }
  return (
    <ul class="census" aria-label="Tasks by state">
      {[...states]
        .toSorted(([a], [b]) => a.localeCompare(b))
        .map(([state, count]) => (
          <li key={state}>
            <Dot tone={toneOf(state)} /> <b>{count}</b> {state}
          </li>
        ))}
    </ul>
  );
}

function Connected({ model }: { readonly model: Model }) {
  const now = connection.value;
  if (now.state === 'live') {
    return (
      <p class="connection" role="status" data-testid="connection">
        <Dot tone="good" /> live
      </p>
    );
  }
  if (now.state !== 'waiting') {
    return (
      <p class="connection" role="status" data-testid="connection">
        <Dot tone="busy" /> connecting…
      </p>
    );
  }
  return (
    <p class="connection broken" role="status" data-testid="connection" title={now.why}>
      <Dot tone="bad" /> disconnected: {now.why}; trying again at {clockTime(now.retryAt, false)}
      <button type="button" onClick={() => retryNow(model)}>
        Try now
      </button>
    </p>
  );
}

/** A state's colour. */
export function Dot({ tone }: { readonly tone: Tone }) {
  return <i class={`dot ${tone}`} aria-hidden="true" />;
}
