/** The node itself: whether it lives, who it is, letting people in, numbers, and what this API is. */
import { problem } from '../../core/errors.ts';
import { isoTime } from '../../core/views.ts';
import type { InfoJson, LoginJson, TicketJson } from '../../core/views.ts';
import type { ApiDeps } from '../deps.ts';
import { inBody } from '../fields.ts';
import { json, route } from '../route.ts';
import type { Route } from '../route.ts';

/** Letting people in: tickets for URLs, sessions for pages. */
function doorRoutes({ auth, clock, limits }: ApiDeps): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/login',
      need: 'ticket',
      says: 'Turns a one-use ticket (in the query) into a token that lasts as long as a page',
      answers: { 200: { says: 'the token', schema: 'Login' } },
      secret: true,
      handle: ({ scope }) => {
        if (scope === 'join') throw problem('forbidden', 'a join ticket opens no session');
        return json({ token: auth.openSession(scope), scope } satisfies LoginJson);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tickets',
      need: 'viewer',
      says: "A ticket for one use in a URL, with the caller's scope or a narrower one",
      body: { scope: inBody.choice('no more than this', ['admin', 'viewer']) },
      answers: { 200: { says: 'the ticket', schema: 'Ticket' } },
      secret: true,
      handle: ({ scope, body }) => {
        const given = scope === 'viewer' || body.scope === 'viewer' ? 'viewer' : 'admin';
        const expiresAt = isoTime(clock.now() + limits.ticketMs);
        return json({ ticket: auth.issueTicket(given), scope: given, expiresAt } satisfies TicketJson);
      },
    }),
  ];
}

/**
 * The routes that every node has.
 * @param all gives the whole table, for `/openapi.json`
 */
export function nodeRoutes(deps: ApiDeps, all: () => readonly Route[]): readonly Route[] {
  const { control, info, metrics, openLoopback } = deps;
  return [
    ...doorRoutes(deps),
    route({
      method: 'GET',
      path: '/healthz',
      need: 'open',
      says: 'Whether the process answers',
      answers: { 200: { says: 'it does', schema: 'Health' } },
      handle: () => json({ status: 'ok' }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      need: 'open',
      says: 'Whether the node does its work: a manager leads and can store, a worker runs',
      answers: { 200: { says: 'ready', schema: 'Ready' }, 503: { says: 'not ready', schema: 'Ready' } },
      handle: () => {
        const ready = control?.ready() ?? true;
        return json({ ready }, ready ? 200 : 503);
      },
    }),
    route({
      method: 'GET',
      path: '/v1/info',
      need: 'viewer',
      says: 'Who answers, and what the caller may do',
      answers: { 200: { says: 'the node', schema: 'Info' } },
      handle: ({ scope }) => json({ ...info, openLoopback, scope } satisfies InfoJson),
    }),
    route({
      method: 'GET',
      path: '/metrics',
      need: 'viewer',
      says: 'Numbers for Prometheus',
      answers: { 200: { says: 'the exposition', schema: 'Text', types: ['text/plain'] } },
      handle: async () => ({ kind: 'text', ...(await metrics.expose()) }),
    }),
    route({
      method: 'GET',
      path: '/openapi.json',
      need: 'viewer',
      says: 'This API, as OpenAPI 3.1',
      answers: { 200: { says: 'the document', schema: 'Anything' } },
      handle: async () => {
        // Loaded when somebody asks: the schema library costs 17 MB, which an idle node does not have to spend.
        const { describe } = await import('../openapi.ts');
        return json(describe(all(), info.version));
      },
    }),
  ];
}
