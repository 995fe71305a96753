/** What who is not logged in sees: how to get in. */
import { Mark } from './mark.tsx';

/** @param why what became of a ticket or login, if there was one */
export function Login({ why }: { readonly why: string | null }) {
  return (
    <main class="login" data-testid="login">
      <div class="card">
        <h1>
          <Mark /> Cube inspector
        </h1>
        {why === null ? null : (
          <p class="problem" role="alert">
            {why[0]?.toUpperCase()}
            {why.slice(1)}.
          </p>
        )}
        <p>This page shows what a node does, so it asks who you are. On the node's host, run</p>
        <pre>
          <code>cube inspect --open</code>
        </pre>
        <p>
          It opens this page with a login that works once, within a minute. From elsewhere, run it with <code>--host</code> and a token.
        </p>
      </div>
    </main>
  );
}
