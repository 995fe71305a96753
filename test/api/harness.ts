/** An API over fakes, reached directly or through a real server. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createApi, createHttpServer } from '../../src/api/index.ts';
import type { Api, ApiDeps } from '../../src/api/index.ts';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Clock, Log, LogFields } from '../../src/ports/ambient.ts';
import type { Auth, Scope } from '../../src/ports/auth.ts';
import type { RequestKey, WorkerControl } from '../../src/ports/control.ts';
import { problem } from '../../src/core/errors.ts';
import { FakeControl } from '../support/fake-control.ts';

/** A clock that goes when it is told to. */
export class ManualClock implements Clock {
  time = Date.parse('2026-01-31T12:00:00Z');
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  #last = 0;

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  setTimeout(run: () => void, ms: number): number {
    this.#timers.set(++this.#last, { at: this.time + ms, run });
    return this.#last;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  /** Timers that were ever set. */
  get armed(): number {
    return this.#last;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets time pass and runs what is due. */
  advance(ms: number): void {
    this.time += ms;
    for (const [handle, { at, run }] of this.#timers) {
      if (at > this.time) continue;
      this.#timers.delete(handle);
      run();
    }
  }
}

/** Tokens are `admin-token`, `viewer-token` and `join-token`; tickets are `ticket-1`, `ticket-2`... */
export class FakeAuth implements Auth {
  readonly tickets = new Map<string, Scope>();
  readonly sessions = new Map<string, Scope>();
  issued = 0;

  scopeOf(token: string): Scope | undefined {
    const known: Readonly<Record<string, Scope>> = { 'admin-token': 'admin', 'viewer-token': 'viewer', 'join-token': 'join' };
    return known[token] ?? this.sessions.get(token);
  }

  issueTicket(scope: Scope): string {
    const ticket = `ticket-${++this.issued}`;
    this.tickets.set(ticket, scope);
    return ticket;
  }

  redeemTicket(ticket: string): Scope | undefined {
    const scope = this.tickets.get(ticket);
    this.tickets.delete(ticket);
    return scope;
  }

  openSession(scope: Scope): string {
    const token = `session-${this.sessions.size + 1}`;
    this.sessions.set(token, scope);
    return token;
  }
}

/** A worker without a manager: it answers what it was handed. */
export class FakeWorker implements WorkerControl {
  /** The keys under which it was asked. */
  readonly keys: RequestKey[] = [];

  readonly events: unknown[] = [];
  answer: unknown = { ID: 'made' };
  readonly stopped: string[] = [];
  kept: ReturnType<WorkerControl['tasks']> = [];

  keyed(request: RequestKey): WorkerControl {
    this.keys.push(request);
    return this;
  }

  async submit(event: unknown): Promise<unknown> {
    this.events.push(event);
    return this.answer;
  }

  async stop(id: string): Promise<void> {
    if (id === 'unknown') throw problem('not-found', `there is no task "${id}"`);
    this.stopped.push(id);
  }

  tasks(): ReturnType<WorkerControl['tasks']> {
    return this.kept;
  }

  async stats(): ReturnType<WorkerControl['stats']> {
    return {
      at: 0,
      used: { cpu: 1, memoryBytes: 1, diskBytes: 1, custom: {} },
      memory: { totalBytes: 2_048_000, availableBytes: 1_024_000 },
      disk: { totalBytes: 1_000, freeBytes: 400 },
      cpuTicks: { user: 10, nice: 0, system: 5, idle: 85, iowait: 0, irq: 0, softirq: 0, steal: 0 },
      load: [0.5, 0.25, 0.125],
    };
  }
}

/** Log lines, as they were written. */
export class KeptLog implements Log {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];
  debug = this.#level('debug');
  info = this.#level('info');
  warn = this.#level('warn');
  error = this.#level('error');

  #level(level: string) {
    return (message: string, fields?: LogFields): void => void this.lines.push({ level, message, fields });
  }
}

/** An API and everything behind it. */
export interface Rig {
  readonly api: Api;
  readonly deps: ApiDeps;
  readonly control: FakeControl;
  readonly worker: FakeWorker;
  readonly auth: FakeAuth;
  readonly clock: ManualClock;
  readonly log: KeptLog;
  /** A request as admin unless told; a body that is no text is sent as JSON. */
  ask(method: string, path: string, options?: AskOptions): Promise<Response>;
}

export interface AskOptions {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface RigOptions {
  readonly role?: 'manager' | 'worker' | 'both';
  readonly limits?: Partial<Record<keyof Limits, number>>;
  readonly deps?: Partial<ApiDeps>;
}

const files: Readonly<Record<string, { readonly body: string | Uint8Array; readonly contentType: string }>> = {
  '/': { body: '<!doctype html>', contentType: 'text/html; charset=utf-8' },
  '/assets/index-1a2b.js': { body: new TextEncoder().encode('run()'), contentType: 'text/javascript' },
  // An API path must not be hidden by a file.
  '/v1/jobs': { body: 'a file', contentType: 'text/plain' },
};

/** Makes an API of fakes. */
export function makeRig({ role = 'both', limits = {}, deps: changes = {} }: RigOptions = {}): Rig {
  const [control, worker, auth, clock, log] = [new FakeControl(), new FakeWorker(), new FakeAuth(), new ManualClock(), new KeptLog()];
  const deps: ApiDeps = {
    ...(role === 'worker' ? {} : { control }),
    ...(role === 'manager' ? {} : { worker }),
    auth,
    // The default as it is: schemas are made once for each set of limits.
    limits: Object.keys(limits).length === 0 ? limitsDefault : limitsWith(limits),
    clock,
    log,
    metrics: {
      count: () => undefined,
      gauge: () => undefined,
      expose: async () => ({ text: 'cube_up 1\n', contentType: 'text/plain; version=0.0.4' }),
    },
    info: { version: '0.1.0', clusterId: 'cluster-1', nodeId: 'node-1', name: 'bar', role: 'manager,worker' },
    openLoopback: false,
    checkHost: (host) => /^(?:127\.0\.0\.1|localhost|cube\.test)(?::\d+)?$/.test(host),
    checkOrigin: (origin) => origin === 'http://cube.test' || origin.startsWith('http://127.0.0.1:'),
    page: async (path) => files[path],
    ...changes,
  };
  const api = createApi(deps);
  const ask = (method: string, path: string, { token = 'admin-token', body, headers = {}, signal }: AskOptions = {}) => {
    const type: Readonly<Record<string, string>> =
      body === undefined || typeof body === 'string' ? {} : { 'content-type': 'application/json' };
    return api.fetch(
      new Request(`http://cube.test${path}`, {
        method,
        headers: { ...type, ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
        body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
        signal,
      }),
    );
  };
  return { api, deps, control, worker, auth, clock, log, ask };
}

/** A small job document. */
export function jobDocument(name = 'shop', more: Readonly<Record<string, unknown>> = {}): unknown {
  return { name, type: 'service', tasks: { web: { image: 'busybox:latest', count: 2, ...more } } };
}

/** Has a job's update wait after its canaries. */
export function waitForPromotion(rig: Rig, name: string): void {
  const job = rig.control.jobs.get(name)!;
  const { version } = job;
  const times = { startedAt: 1_000, progressAt: 1_500 };
  const deployment = { id: 'deployment-1', version, state: 'awaitingPromotion', goodVersion: version - 1, updated: 1, ...times } as const;
  rig.control.jobs.set(name, { ...job, deployment });
}

/** Serves an API on a free loopback port until the test ends. @returns its origin */
export async function serve(t: TestContext, api: Api): Promise<string> {
  const server = createHttpServer(api);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    api.close();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends raw bytes and reads the answer until the server closes. */
export async function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  const parts: string[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk.toString('utf8')));
  await once(socket, 'close');
  return parts.join('');
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until something holds; the test's own time-out ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
