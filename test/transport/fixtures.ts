/** What the transport's tests share: a clock that is moved by hand, a log that is read, frames of every type, and a link's ear. */
import type { Order, TaskReport } from '../../src/core/task.ts';
import type { Clock, Log, LogFields } from '../../src/ports/ambient.ts';
import type { Frame, Link, ManagerFrame, WorkerFrame } from '../../src/ports/transport.ts';

/** A clock that stands still until it is moved. Timers of one moment fire in the order in which they were set. */
export interface HandClock extends Clock {
  /** Moves time, firing what falls due, with a turn of the event loop after each timer so that promises settle. */
  advance(ms: number): Promise<void>;
}

export function handClock(): HandClock {
  let now = 0;
  let last = 0;
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => 1_700_000_000_000 + now,
    monotonic: () => now,
    setTimeout(run, ms) {
      timers.set(++last, { at: now + Math.max(0, ms), run });
      return last;
    },
    clearTimeout: (handle) => void timers.delete(handle as number),
    async advance(ms) {
      const until = now + ms;
      for (;;) {
        await turn();
        const next = [...timers].filter(([, timer]) => timer.at <= until).toSorted(([, a], [, b]) => a.at - b.at)[0];
        if (next === undefined) break;
        const [id, timer] = next;
        timers.delete(id);
        now = Math.max(now, timer.at);
        timer.run();
      }
      now = until;
    },
  };
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export function keptLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Listens to a link and lets a test wait for what comes. */
export interface Ear {
  readonly frames: Frame[];
  readonly closes: string[];
  /** Resolves when so many frames have come, ever. */
  heard(count: number): Promise<readonly Frame[]>;
  /** Resolves with the reason when the link has closed. */
  closed(): Promise<string>;
}

export function listenTo(link: Link, onFrame: (frame: Frame) => void = () => undefined): Ear {
  const frames: Frame[] = [];
  const closes: string[] = [];
  const waits = new Set<() => void>();
  const until = (isDone: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isDone()) return;
        waits.delete(look);
        resolve();
      };
      waits.add(look);
      look();
    });
  const lookAll = () => {
    for (const look of waits) look();
  };
  link.listen({
    onFrame(frame) {
      frames.push(frame);
      onFrame(frame);
      lookAll();
    },
    onClose(why) {
      closes.push(why);
      lookAll();
    },
  });
  return {
    frames,
    closes,
    async heard(count) {
      await until(() => frames.length >= count);
      return frames;
    },
    async closed() {
      await until(() => closes.length > 0);
      return closes[0]!;
    },
  };
}

/** A small frame that carries a number. */
export function numbered(revision: number): WorkerFrame {
  return { type: 'resync', revision };
}

/** The numbers of such frames. */
export function numbersOf(frames: readonly Frame[]): readonly number[] {
  return frames.map((frame) => (frame.type === 'resync' ? frame.revision : Number.NaN));
}

export const order: Order = {
  id: '7d0b7c60-7f0a-4c0e-9a4f-000000000001',
  job: 'shop',
  jobType: 'service',
  task: 'web',
  index: 2,
  slot: 'shop/web.2',
  version: 3,
  desired: 'running',
  spec: {
    image: 'busybox:latest',
    pull: 'missing',
    command: ['sleep', '60'],
    count: 3,
    env: { MODE: 'production', ÜMLAUT: 'ja' },
    user: '101',
    workdir: '/srv',
    resources: { cpu: 0.5, memoryBytes: 134_217_728, diskBytes: 0, custom: { gpu: 1 } },
    ports: [
      { container: 80, protocol: 'tcp' },
      { ip: '127.0.0.1', host: 8080, container: 8080, protocol: 'udp' },
    ],
    restart: { on: 'always', attempts: 3, withinMs: 600_000, delayMs: 1_000, backoff: 2, delayMsMax: 60_000 },
    stopSignal: 'SIGTERM',
    stopDelayMs: 0,
    stopGraceMs: 10_000,
  },
  labels: { team: 'web' },
  sequence: 4,
  origin: { kind: 'seeds', clientTaskId: 'bb1d59ef', clientTaskName: 'echo' },
  ports: [{ ip: '127.0.0.1', host: 20_000, container: 80, protocol: 'tcp' }],
};

export const report: TaskReport = {
  id: order.id,
  sequence: 4,
  state: 'running',
  health: 'unknown',
  attempt: 1,
  restarts: 0,
  containerId: 'c'.repeat(64),
  containerName: 'cube-shop-web-2-7d0b7c607f0a-1',
  startedAt: 1_700_000_000_123,
};

const epoch = { generation: 1, revision: 9 } as const;

/** One frame of every type and kind a worker sends. */
export const workerFrames: readonly WorkerFrame[] = [
  {
    type: 'greet',
    protocolMin: 1,
    protocolMax: 1,
    clusterId: null,
    facts: {
      id: 'n-1',
      name: 'rabbit',
      dc: 'dc1',
      role: 'manager,worker',
      labels: { disk: 'ssd' },
      capacity: { cpu: 4, memoryBytes: 8 * 2 ** 30, diskBytes: 2 ** 40, custom: {} },
      slotsMax: 250,
      ports: { from: 20_000, to: 29_999 },
      portsIp: '127.0.0.1',
      os: 'linux',
      arch: 'x64',
      version: '0.1.0',
      runtime: { name: 'docker', version: '20.10' },
    },
    epoch: null,
    revision: 0,
    reports: [report],
    unknown: [{ id: 'x', running: true }],
  },
  {
    type: 'reports',
    reports: [report, { ...report, state: 'failed', exitCode: 137, reason: 'out of memory', finishedAt: 1_700_000_000_999 }],
  },
  { type: 'beat', usage: null },
  {
    type: 'beat',
    usage: null,
    tasks: [
      { id: 't1', cpu: null, memoryBytes: 5, networkInBytes: null, networkOutBytes: null },
      { id: 't2', cpu: 0.5, memoryBytes: 5, networkInBytes: 6, networkOutBytes: 7 },
    ],
  },
  { type: 'beat', usage: { at: 1_700_000_000_000, used: { cpu: 0.25, memoryBytes: 1, diskBytes: 2, custom: { gpu: 0 } } } },
  { type: 'resync', revision: 12 },
  { type: 'bye', backMs: 60_000 },
  { type: 'call', call: 1, what: { kind: 'submit', event: { ID: 'a', Task: { Image: 'busybox' } } } },
  { type: 'call', call: 2, what: { kind: 'stop', id: 'a' } },
  { type: 'data', stream: 1, items: [{ stream: 'stdout', text: 'hello\n', at: 1 }, 'text', 7, null] },
  { type: 'grant', stream: 3, bytes: 262_144 },
  { type: 'end', stream: 1 },
  { type: 'end', stream: 2, code: 'not-found', message: 'no such task' },
];

/** One frame of every type a manager sends. */
export const managerFrames: readonly ManagerFrame[] = [
  { type: 'welcome', protocol: 1, clusterId: 'c-1', epoch },
  { type: 'refused', code: 'forbidden', message: 'another cluster' },
  { type: 'assignments', epoch, revision: 5, orders: [order], verdicts: [{ id: 'x', verdict: 'adopt' }] },
  { type: 'delta', epoch, base: 5, revision: 6, orders: [{ ...order, desired: 'stopped' }], forget: ['y'] },
  { type: 'acks', acks: [{ id: order.id, sequence: 4 }] },
  { type: 'beat' },
  { type: 'answer', call: 1, ok: true, value: { ID: 'a' } },
  { type: 'answer', call: 2, ok: false, value: undefined, code: 'not-found', message: 'no such task' },
  { type: 'open', stream: 1, what: { kind: 'logs', task: order.id, follow: true } },
  { type: 'open', stream: 2, what: { kind: 'logs', task: order.id, follow: false, tail: 10, sinceMs: 1_700_000_000_000 } },
  { type: 'open', stream: 3, what: { kind: 'exec', task: order.id, command: ['sh', '-c', 'ls'], tty: false, stdin: true } },
  {
    type: 'open',
    stream: 4,
    what: { kind: 'exec', task: order.id, command: ['sh'], tty: true, stdin: true, size: { columns: 80, rows: 24 } },
  },
  { type: 'data', stream: 3, items: [{ kind: 'bytes', bytes: Buffer.from('hello') }, { kind: 'end' }] },
  { type: 'grant', stream: 1, bytes: 65_536 },
  { type: 'end', stream: 1 },
];
