/** The options of a node for tests that start one, or play one. */
import { limitsWith } from '../../src/core/limits.ts';
import type { NodeOptions } from '../../src/core/node-options.ts';

/** As `cube up` would give them to a small node with both roles, on the process runtime. */
export function nodeOptions(changes: Partial<NodeOptions> & Pick<NodeOptions, 'dataDirectory'>): NodeOptions {
  return {
    name: 'bar',
    roles: { manager: true, worker: true },
    listen: { host: '127.0.0.1', port: 0 },
    workerFolder: 'worker',
    dc: 'dc1',
    labels: {},
    offer: { custom: {} },
    ports: { from: 20_000, to: 20_099 },
    runtime: 'process',
    workers: [],
    scheduler: 'epvm',
    openLoopback: false,
    stopTasks: false,
    limits: limitsWith({}),
    logLevel: 'error',
    version: '0.0.0',
    ...changes,
  };
}
