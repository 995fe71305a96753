/** A real worker on a simulated host, with a manager whose every frame is written by the test. */
import type { Epoch } from '../../src/core/events.ts';
import type { JobType, TaskSpec } from '../../src/core/job.ts';
import type { Order, TaskReport } from '../../src/core/task.ts';
import type { Link, ManagerFrame, WorkerFrame } from '../../src/ports/transport.ts';
import { createWorkerHost, type WorkerHost } from '../sim/hosts.ts';
import { scriptOf, taskSpec } from '../sim/scripts.ts';
import { createWorld, type World, type WorldOptions } from '../sim/world.ts';

const clusterId = 'cluster-1';

/** A worker and its scripted manager. */
export interface WorkerBench {
  readonly world: World;
  readonly host: WorkerHost;
  /** Frames of the worker, oldest first, over all its links. */
  readonly heard: WorkerFrame[];
  /** The newest report of a task, over all frames. */
  report(id: string): TaskReport | undefined;
  send(frame: ManagerFrame): void;
  /** Welcomes the worker and sends it all it should have. */
  welcome(orders: readonly Order[], more?: { readonly epoch?: Epoch; readonly revision?: number }): void;
  /** Acknowledges everything that was reported. */
  acknowledge(): void;
  pass(ms: number): Promise<void>;
  /** Starts the worker, and waits until it has greeted. */
  start(): Promise<void>;
}

/** @param options of the world; the clock stands still until somebody passes time */
export function createWorkerBench(options: Partial<WorldOptions> = {}): WorkerBench {
  const world = createWorld({ seed: 1, scripts: scriptOf, networkMs: [0, 0], writeMs: [0, 0], ...options });
  const host = createWorkerHost(world, 'w1', 'm1:5555');
  const heard: WorkerFrame[] = [];
  let link: Link<WorkerFrame, ManagerFrame> | undefined;
  world.network.listen<WorkerFrame, ManagerFrame>('m1:5555', (accepted) => {
    link = accepted;
    accepted.listen({ onFrame: (frame) => void heard.push(frame), onClose: () => undefined });
  });
  const reports = (): TaskReport[] => heard.flatMap((frame) => (frame.type === 'greet' || frame.type === 'reports' ? frame.reports : []));
  const bench: WorkerBench = {
    world,
    host,
    heard,
    report: (id) => reports().findLast((report) => report.id === id),
    send: (frame) => link?.send(frame),
    welcome(orders, { epoch = { generation: 1, revision: 1 }, revision = 1 } = {}) {
      bench.send({ type: 'welcome', protocol: 2, clusterId, epoch });
      bench.send({ type: 'assignments', epoch, revision, orders, verdicts: [] });
    },
    acknowledge: () => bench.send({ type: 'acks', acks: reports().map(({ id, sequence }) => ({ id, sequence })) }),
    pass: (ms) => world.clock.pass(ms),
    async start() {
      const greetings = heard.length;
      const started = host.start();
      for (let waited = 0; heard.length === greetings; waited += 100) {
        if (waited > 10_000) throw new Error('the worker does not greet');
        await world.clock.pass(100);
      }
      await started;
    },
  };
  return bench;
}

/** An order for a task of a job of its own. */
export function order(id: string, image: string, changes: Partial<Order> = {}, spec: Partial<TaskSpec> = {}): Order {
  const jobType: JobType = changes.jobType ?? 'service';
  return {
    id,
    job: `job-${id}`,
    jobType,
    task: 'main',
    index: 1,
    slot: `job-${id}/main.1`,
    version: 1,
    desired: 'running',
    spec: taskSpec(jobType, image, 1, spec),
    labels: {},
    ports: [],
    sequence: 0,
    ...changes,
  };
}
