/** Jobs for simulated clusters. What a container does stands in its image's name: `completes:500` ends well after half a second. */
import type { HealthSpec, JobSpec, JobType, RestartSpec, TaskSpec } from '../../src/core/job.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import type { Slot } from '../../src/core/slots.ts';
import type { FakeScript, FakeScripts } from '../../src/runtime/fake-script.ts';

/** Images by what their containers do; the number after the colon is a time in ms or a count. */
const images: Readonly<Record<string, (number: number, attempt: number) => FakeScript>> = {
  runs: () => ({}),
  /** Takes its time to be made and to start. */
  slow: (ms) => ({ prepareMs: ms, startMs: ms / 2, jitter: 0.5 }),
  completes: (ms) => ({ runForMs: ms, exitCode: 0, jitter: 0.2 }),
  /** Fails so many times, then runs. */
  flaky: (times, attempt) => (attempt <= times ? { runForMs: 200, exitCode: 1 } : {}),
  /** The same, and completes then. */
  tries: (times, attempt) => ({ runForMs: 200, exitCode: attempt <= times ? 1 : 0 }),
  fails: (ms) => ({ runForMs: ms, exitCode: 3 }),
  missing: () => ({ pullError: 'image-not-found' }),
  /** Needs its grace and longer. */
  stubborn: () => ({ ignoresSignals: true }),
  lingers: (ms) => ({ stopMs: ms }),
  /** Is well from that time on. */
  well: (ms) => ({ wellFromMs: ms }),
  /** So many times it is well for a second only. */
  sickly: (times, attempt) => (attempt <= times ? { wellUntilMs: 1_000 } : {}),
  /** Has a check of its own. */
  checked: (ms) => ({ check: [{ afterMs: ms, health: 'healthy' }] }),
};

/** A check that is quick to judge. */
export const quickCheck: HealthSpec = {
  probe: { kind: 'tcp', port: 80 },
  intervalMs: 400,
  timeoutMs: 300,
  retries: 2,
  startPeriodMs: 1_000,
};

function partsOf(image: string): [name: string, number: number] {
  const [name = '', number = '0'] = image.split(':');
  return [name, Number.parseInt(number, 10)];
}

/** The script of a container, from its image. */
export const scriptOf: FakeScripts = ({ order, attempt }) => {
  const [name, number] = partsOf(order.spec.image);
  const script = images[name];
  if (script === undefined) throw new Error(`no image ${name} is scripted`);
  return script(number, attempt);
};

/** What becomes of a slot when all goes well. */
export function fateOf({ spec }: Slot): 'runs' | 'completes' | 'fails' {
  const [name] = partsOf(spec.image);
  if (name === 'missing' || name === 'fails') return 'fails';
  return name === 'completes' || name === 'tries' ? 'completes' : 'runs';
}

/** A restart policy with the defaults of its type. */
export function restart(type: JobType, changes: Partial<RestartSpec> = {}): RestartSpec {
  return {
    on: type === 'batch' ? 'failure' : 'always',
    attempts: limitsDefault.restartAttempts,
    withinMs: limitsDefault.restartWithinMs,
    delayMs: limitsDefault.restartDelayMs,
    backoff: limitsDefault.restartBackoff,
    delayMsMax: limitsDefault.restartDelayMsMax,
    ...changes,
  };
}

/** What each task asks for, in cores. */
export const cpuOfTask = 0.1;

/** A task of a job. */
export function taskSpec(type: JobType, image: string, count: number, changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    image,
    pull: 'missing',
    count,
    env: {},
    resources: { cpu: cpuOfTask, memoryBytes: 1_000_000, diskBytes: 0, custom: {} },
    ports: [],
    restart: restart(type),
    stopSignal: 'SIGTERM',
    stopDelayMs: 0,
    stopGraceMs: 2_000,
    ...changes,
  };
}

/** A job of one task. Its priority tells its specs apart (promises.ts). */
export function jobSpec(
  name: string,
  type: JobType,
  image: string,
  count: number,
  changes: { readonly priority?: number } & Partial<TaskSpec> = {},
): JobSpec {
  const { priority = 50, ...task } = changes;
  return { name, type, datacenters: [], priority, labels: {}, tasks: { main: taskSpec(type, image, count, task) } };
}

/** A service of one task. */
export function service(
  name: string,
  image = 'runs',
  count = 1,
  changes: { readonly priority?: number } & Partial<TaskSpec> = {},
): JobSpec {
  return jobSpec(name, 'service', image, count, changes);
}

/** A batch job of one task. */
export function batch(
  name: string,
  image = 'completes:500',
  count = 1,
  changes: { readonly priority?: number } & Partial<TaskSpec> = {},
): JobSpec {
  return jobSpec(name, 'batch', image, count, changes);
}
