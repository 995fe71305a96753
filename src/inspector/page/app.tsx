/** The page as a whole. */
import { useEffect } from 'preact/hooks';
import { ActorList } from './actor-list.tsx';
import { ActorPane } from './actor-pane.tsx';
import { Login } from './login.tsx';
import type { Model } from './model.ts';
import { shownActor } from './selection.ts';
import { connection } from './session.ts';
import { TopBar } from './top-bar.tsx';

/** Everything: a bar, the list of actors, and the one that is chosen. */
export function App({ model }: { readonly model: Model }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      document.getElementById('filter')?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  if (connection.value.state === 'login') return <Login why={connection.value.why} />;
  return (
    <div class={connection.value.state === 'waiting' ? 'app cut-off' : 'app'}>
      <a class="skip" href="#detail" onClick={skipToDetail}>
        Skip to the chosen actor
      </a>
      <TopBar model={model} />
      <ActorList model={model} />
      <main id="detail" tabIndex={-1}>
        <Chosen model={model} />
      </main>
    </div>
  );
}

function Chosen({ model }: { readonly model: Model }) {
  // Read for its changes: which actor is shown may depend on who is there.
  void model.listChanged.value;
  const actor = shownActor(model);
  if (actor !== undefined) return <ActorPane key={actor.id} actor={actor} model={model} />;
  const isEmpty = model.actors.size === 0;
  return (
    <div class="nothing">
      <p>{isEmpty ? 'Waiting for the node to say who is there…' : 'This actor is gone. Choose another one from the list.'}</p>
    </div>
  );
}

/** The address holds the selection, so a plain link to a place on the page would lose it. */
function skipToDetail(event: Event): void {
  event.preventDefault();
  document.getElementById('detail')?.focus();
}
