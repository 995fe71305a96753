/** What the tests of machines start a task with. */
import type { Order } from '../../src/core/task.ts';

/** A worker's order, with a secret in its environment. */
export const order: Order = {
  id: '3f0c1c9e-0000-4000-8000-000000000001',
  job: 'shop',
  jobType: 'service',
  task: 'web',
  index: 1,
  slot: 'shop/web.1',
  version: 1,
  desired: 'running',
  spec: {
    image: 'nginx:1.27',
    pull: 'missing',
    count: 1,
    env: { DB_PASSWORD: 'hunter2' },
    resources: { cpu: 0, memoryBytes: 0, diskBytes: 0, custom: {} },
    ports: [],
    restart: { on: 'always', attempts: 3, withinMs: 600_000, delayMs: 1_000, backoff: 2, delayMsMax: 60_000 },
    stopSignal: 'SIGTERM',
    stopDelayMs: 0,
    stopGraceMs: 10_000,
  },
  labels: {},
  ports: [],
  sequence: 0,
};
