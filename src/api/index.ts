/**
 * The HTTP API of a node. A request passes the host, the origin and the credential before anything is looked up; then the size of
 * its body, its row of the route table, its scope and its Idempotency-Key. The same table makes `/openapi.json`.
 */
import { Hono } from 'hono/tiny';
import { bodyLimit } from 'hono/body-limit';
import { asCubeError, problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import type { Scope } from '../ports/auth.ts';
import type { RequestKey } from '../ports/control.ts';
import { errorResponse } from './answers.ts';
import type { ApiDeps } from './deps.ts';
import { createGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { createHandler } from './handler.ts';
import { createAnswerBook } from './idempotency.ts';
import { pageResponse } from './page.ts';
import type { Route } from './route.ts';
import { routesOf } from './routes/index.ts';
import { createStreams } from './streams.ts';
import { createTable, honoPath } from './table.ts';

export type { ApiDeps } from './deps.ts';
export { createHttpServer } from './http-server.ts';
export { routesOf } from './routes/index.ts';

/** The HTTP API of one node. */
export interface Api {
  /** Answers a request; never rejects. */
  fetch(request: Request): Promise<Response>;
  /** The same checks for a WebSocket upgrade, where a ticket in the URL counts. */
  readonly authorize: Gate['authorize'];
  /** Ends all streams, so that a server can close. */
  close(): void;
}

interface Env {
  Variables: { scope: Scope };
}

/** Logs what only the node's keeper can mend; what a client did wrong is the client's to read. */
function logFailure(deps: ApiDeps, request: Request, path: string, error: CubeError): void {
  const fields = { method: request.method, path, code: error.code, reason: error.message };
  if (error.code === 'failed')
    deps.log.error('a request failed', { ...fields, stack: error.cause instanceof Error ? error.cause.stack : undefined });
  else if (error.row.status >= 500) deps.log.warn('a request was refused', fields);
}

/** Makes the API. Nothing listens yet: `createHttpServer` serves it. */
export function createApi(deps: ApiDeps): Api {
  const table = createTable(routesOf(deps));
  const gate = createGate(deps);
  const streams = createStreams(deps);
  // Every handler has the port of a keyed request, so that no row has to think of its key.
  const keyed = (row: Route, request: RequestKey): Route => {
    const { control, worker } = deps;
    const ports = {
      ...(control === undefined ? {} : { control: control.keyed(request) }),
      ...(worker === undefined ? {} : { worker: worker.keyed(request) }),
    };
    return routesOf({ ...deps, ...ports })[table.routes.indexOf(row)]!;
  };
  const handle = createHandler(deps, streams, createAnswerBook(deps.limits, deps.clock), keyed);
  const app = new Hono<Env>();
  deps.metrics.gauge('cube_http_streams', 'Event and log streams open now', () => streams.count());

  app.onError((thrown, c) => {
    const error = asCubeError(thrown);
    const { path } = c.req;
    logFailure(deps, c.req.raw, path, error);
    const allow = error.code === 'wrong-method' ? table.allow(path) : undefined;
    return errorResponse(error, deps.limits, { seeds: table.isSeeds(path), allow });
  });

  app.use(async (c, next) => {
    deps.metrics.count('cube_http_requests_total', 'HTTP requests');
    const { path, method } = c.req;
    const host = c.req.header('host') ?? new URL(c.req.url).host;
    gate.checkPlace(host, c.req.header('origin'));
    if (table.isOpen(method, path)) return next();
    if ((method === 'GET' || method === 'HEAD') && !table.has(path)) {
      const file = await pageResponse(deps.page, path, host);
      if (file !== undefined) return file;
    }
    const isLogin = method === 'POST' && path === '/v1/login';
    c.set('scope', isLogin ? gate.redeem(c.req.url) : gate.scopeOf(c.req.header('authorization')));
    return next();
  });

  app.use(
    bodyLimit({
      maxSize: deps.limits.bodyBytesMax,
      onError: () => {
        throw problem('too-large', `a body may have ${deps.limits.bodyBytesMax} bytes`);
      },
    }),
  );

  for (const row of table.routes) {
    app.on(row.method, honoPath(row.path), (c) => handle(row, { request: c.req.raw, params: c.req.param(), scope: c.get('scope') }));
  }

  app.notFound((c) => {
    const { path, method } = c.req;
    if (c.get('scope') === 'join') throw problem('forbidden', 'a join token opens the link between hosts and nothing else');
    const allow = table.allow(path);
    if (allow !== '') throw problem('wrong-method', `${path} does not take ${method}; it takes ${allow}`);
    const hint = deps.control === undefined ? 'this node is a worker; most paths are on its manager' : '/openapi.json lists what there is';
    throw problem('not-found', `there is nothing at ${path}`, { hint });
  });

  return { fetch: async (request) => app.fetch(request), authorize: gate.authorize, close: streams.close };
}
