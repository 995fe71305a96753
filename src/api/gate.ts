/**
 * Who may come in: the host, the origin, then the credential, before anything is looked up. Tokens come in the Authorization
 * header; a ticket in the URL counts where one is allowed (logging in, WebSocket upgrades) and nowhere else.
 */
import { CubeError, problem } from '../core/errors.ts';
import type { Scope } from '../ports/auth.ts';
import type { ApiDeps } from './deps.ts';

/** The head of a request: what node:http gives on `upgrade`, and what a Fetch Request can be turned into. */
export interface RequestHead {
  /** Path and query, or a whole URL. */
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The checks at the door. */
export interface Gate {
  /** Host and origin. @throws CubeError `wrong-host`, `forbidden` */
  checkPlace(host: string | undefined, origin: string | undefined): void;
  /** The scope that an Authorization header gives. @throws CubeError `unauthorized` */
  scopeOf(authorization: string | undefined): Scope;
  /** Uses up the ticket of a URL. @throws CubeError `unauthorized` */
  redeem(url: string): Scope;
  /** All checks for a WebSocket upgrade: host, origin, token or ticket, scope. */
  authorize(head: RequestHead, need: Scope): { readonly scope: Scope } | CubeError;
}

type GateDeps = Pick<ApiDeps, 'auth' | 'openLoopback' | 'checkHost' | 'checkOrigin'>;

/** Whether a scope is enough. Admin is enough for all; viewer and join only for themselves. */
export function allows(scope: Scope, need: Scope): boolean {
  return scope === 'admin' || scope === need;
}

/** What to say to a credential that is good for something else. */
export function notAllowed(scope: Scope, need: Scope): CubeError {
  if (scope === 'join') return problem('forbidden', 'a join token opens the link between hosts and nothing else');
  if (scope === 'viewer' && need === 'join') return problem('forbidden', 'a viewer token cannot join a cluster');
  return problem('forbidden', 'a viewer token may look, not change');
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

function ticketOf(url: string): string | null {
  const query = url.indexOf('?');
  return query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('ticket');
}

/** The gate of one node. */
export function createGate({ auth, openLoopback, checkHost, checkOrigin }: GateDeps): Gate {
  const checkPlace = (host: string | undefined, origin: string | undefined): void => {
    if (host === undefined || !checkHost(host)) throw problem('wrong-host', `this node does not answer for the host "${host ?? ''}"`);
    if (origin !== undefined && !checkOrigin(origin)) {
      throw problem('forbidden', `pages of ${origin} may not talk to this node`, { hint: "open the node's own page" });
    }
  };

  const scopeOf = (authorization: string | undefined): Scope => {
    const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    const scope = token === undefined ? undefined : auth.scopeOf(token);
    if (scope !== undefined) return scope;
    // Where no token is asked, a stale one does no harm: a client may always send the last it had.
    if (openLoopback) return 'admin';
    if (authorization === undefined) throw problem('unauthorized', 'a token is needed');
    throw problem('unauthorized', token === undefined ? 'the Authorization header is not "Bearer TOKEN"' : 'the token is not known');
  };

  const redeem = (url: string): Scope => {
    const ticket = ticketOf(url);
    const scope = ticket === null ? undefined : auth.redeemTicket(ticket);
    if (scope !== undefined) return scope;
    throw problem('unauthorized', ticket === null ? 'a ticket is needed' : 'the ticket is used up, too old or unknown', {
      hint: '`cube inspect` gives an address with a fresh one',
    });
  };

  const authorize = (head: RequestHead, need: Scope): { readonly scope: Scope } | CubeError => {
    try {
      checkPlace(one(head.headers['host']), one(head.headers['origin']));
      const authorization = one(head.headers['authorization']);
      const url = head.url ?? '';
      const scope = authorization === undefined && ticketOf(url) !== null ? redeem(url) : scopeOf(authorization);
      return allows(scope, need) ? { scope } : notAllowed(scope, need);
    } catch (thrown) {
      if (thrown instanceof CubeError) return thrown;
      throw thrown;
    }
  };

  return { checkPlace, scopeOf, redeem, authorize };
}
