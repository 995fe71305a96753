/** The auth port over two tokens of this node: `admin` and `join`. Secrets are kept and compared as digests only. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Clock, Ids } from '../ports/ambient.ts';
import type { Auth, Scope } from '../ports/auth.ts';

interface Grant {
  readonly scope: Scope;
  /** By the monotonic clock. */
  readonly endsAt: number;
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Secrets with an end, by digest, oldest first. A look-up by digest tells a guesser's clock nothing about the secret. */
function createGrants(clock: Clock, lifeMs: number) {
  const grants = new Map<string, Grant>();
  const key = (secret: string) => digest(secret).toString('base64');
  const expire = () => {
    const now = clock.monotonic();
    for (const [name, grant] of grants) {
      // All live equally long, so the first that is alive ends the search.
      if (grant.endsAt > now) break;
      grants.delete(name);
    }
  };
  return {
    add(secret: string, scope: Scope): void {
      grants.set(key(secret), { scope, endsAt: clock.monotonic() + lifeMs });
    },
    find(secret: string): Scope | undefined {
      expire();
      return grants.get(key(secret))?.scope;
    },
    remove(secret: string): void {
      grants.delete(key(secret));
    },
    dropOldest(): void {
      for (const name of grants.keys()) return void grants.delete(name);
    },
    count(): number {
      expire();
      return grants.size;
    },
  };
}

/**
 * Checks credentials of this node.
 * @param options.tokens the secrets of the token files
 * @throws CubeError `usage` when a token is empty or both are the same, which would let a worker do what an admin may
 */
export function createAuth(options: {
  readonly limits: Pick<Limits, 'ticketMs' | 'ticketsMax' | 'sessionMs' | 'sessionsMax'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly tokens: { readonly admin: string; readonly join: string };
}): Auth {
  const { limits, clock, ids, tokens } = options;
  if (tokens.admin === '' || tokens.join === '') throw problem('usage', 'a token is empty');
  if (tokens.admin === tokens.join) throw problem('usage', 'the admin token and the join token are the same');
  const admin = digest(tokens.admin);
  const join = digest(tokens.join);
  const tickets = createGrants(clock, limits.ticketMs);
  const sessions = createGrants(clock, limits.sessionMs);

  return {
    scopeOf(token) {
      const given = digest(token);
      // Every comparison is made, whatever the ones before it said.
      const isAdmin = timingSafeEqual(given, admin);
      const isJoin = timingSafeEqual(given, join);
      const session = sessions.find(token);
      if (isAdmin) return 'admin';
      return isJoin ? 'join' : session;
    },
    issueTicket(scope) {
      if (tickets.count() >= limits.ticketsMax) throw problem('busy', `${limits.ticketsMax} tickets are out already`);
      const ticket = ids.secret();
      tickets.add(ticket, scope);
      return ticket;
    },
    redeemTicket(ticket) {
      const scope = tickets.find(ticket);
      tickets.remove(ticket);
      return scope;
    },
    openSession(scope) {
      while (sessions.count() >= limits.sessionsMax && sessions.count() > 0) sessions.dropOldest();
      const token = ids.secret();
      sessions.add(token, scope);
      return token;
    },
  };
}
