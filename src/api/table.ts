/** Looking things up in the route table by path: for the checks before routing, and for what to say when nothing fits. */
import type { Route } from './route.ts';

/** The route table, by path. */
export interface Table {
  readonly routes: readonly Route[];
  /** Whether anything answers at a path, whatever the method. */
  has(path: string): boolean;
  /** Whether a request needs no credential. */
  isOpen(method: string, path: string): boolean;
  /** Whether errors at a path have the seeds' shape. */
  isSeeds(path: string): boolean;
  /** Methods that a path answers to, as an Allow header: empty when nothing is there. */
  allow(path: string): string;
}

/** `/v1/jobs/{name}` as hono writes it: `/v1/jobs/:name`. */
export function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** Takes what hono's small router takes: a slash at the end, too. */
function pattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`);
}

/** HEAD is answered wherever GET is. */
function answers(route: Route, method: string): boolean {
  return route.method === method || (method === 'HEAD' && route.method === 'GET');
}

/** A table over rows; there are some thirty of them. */
export function createTable(routes: readonly Route[]): Table {
  const rows = routes.map((row) => ({ row, pattern: pattern(row.path) }));
  const at = (path: string) => rows.filter((one) => one.pattern.test(path)).map((one) => one.row);
  return {
    routes,
    has: (path) => at(path).length > 0,
    isOpen: (method, path) => at(path).some((row) => row.need === 'open' && answers(row, method)),
    isSeeds: (path) => at(path).some((row) => row.seeds === true),
    allow: (path) => [...new Set(at(path).flatMap((row) => (row.method === 'GET' ? ['GET', 'HEAD'] : [row.method])))].join(', '),
  };
}
