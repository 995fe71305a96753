/** Looks at a task over the network: whether a port takes connections, whether a request is answered well. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { formatDuration } from '../core/duration.ts';
import { problem } from '../core/errors.ts';
import type { ProbeSpec } from '../core/job.ts';
import type { Clock } from '../ports/ambient.ts';
import type { ProbeResult } from '../ports/runtime.ts';
import { abortError } from './abort.ts';
import { codeOf } from './code-of.ts';

/** Where to look. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** As the task knows it, for messages. */
  readonly shownPort: number;
  /**
   * Something in between takes connections for everybody, as Docker's proxy does, and drops those nobody wants: one that
   * lives for so long is taken by the task. 0: nothing is in between.
   */
  readonly proxyMs: number;
}

/** How long to look, and how to leave. */
export interface LookOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** What is left of it; undefined: all. */
  readonly leftMs?: number;
  readonly signal: AbortSignal;
}

type HttpProbe = Extract<ProbeSpec, { kind: 'http' }>;
type TcpProbe = Extract<ProbeSpec, { kind: 'tcp' }>;

/** One attempt at an answer: it tells what it found, and can be torn down. */
type Attempt = (tell: (result: ProbeResult) => void, fail: (error: unknown) => void) => { destroy(): unknown };

const no = (detail: string): ProbeResult => ({ ok: false, detail });

/** What is found without a port to look at. */
export const noPort: ProbeResult = no('there is no port to look at: the check names none, and none is published');

/** Looks as the check says. @throws as `lookTcp` and `lookHttp` do */
export function lookFrom(target: Target, probe: HttpProbe | TcpProbe, options: LookOptions): Promise<ProbeResult> {
  return probe.kind === 'tcp' ? lookTcp(target, options) : lookHttp(target, probe, options);
}

/** Opens a connection and closes it. @throws CubeError `engine-error` when this host itself is at its limits; AbortError */
export function lookTcp(target: Target, options: LookOptions): Promise<ProbeResult> {
  return look(target, options, (tell, fail) => {
    const socket = connect({ host: target.host, port: target.port });
    const well: ProbeResult = { ok: true, detail: `port ${target.shownPort} takes connections` };
    let timer: unknown;
    socket.once('connect', () => {
      if (target.proxyMs === 0) tell(well);
      else timer = options.clock.setTimeout(() => tell(well), target.proxyMs);
    });
    socket.once('data', () => tell(well));
    socket.once('end', () => tell(no(`port ${target.shownPort} closed the connection at once`)));
    socket.on('error', fail);
    socket.once('close', () => options.clock.clearTimeout(timer));
    return socket;
  });
}

/**
 * Asks once, over a connection of its own, and reads no further than the head of the answer. Redirects are answers like others.
 * @throws CubeError `engine-error` when this host itself is at its limits; AbortError
 */
export function lookHttp(target: Target, probe: HttpProbe, options: LookOptions): Promise<ProbeResult> {
  const what = `GET ${probe.path}`;
  return look(target, options, (tell, fail) => {
    const judge = (status: number): void => {
      const ok = probe.statuses.some(({ from, to }) => status >= from && status <= to);
      tell({ ok, detail: `${what} answered ${status}` });
    };
    const call = request({
      host: target.host,
      port: target.port,
      path: probe.path,
      method: 'GET',
      agent: false,
      headers: { Host: 'localhost', 'User-Agent': 'cube-health', Accept: '*/*', Connection: 'close' },
    });
    call.on('response', (answer) => {
      answer.on('error', () => undefined);
      judge(answer.statusCode ?? 0);
    });
    call.on('upgrade', (answer, socket) => {
      socket.destroy();
      judge(answer.statusCode ?? 101);
    });
    call.on('error', (error) => {
      const code = codeOf(error);
      if (typeof code === 'string' && code.startsWith('HPE_')) tell(no(`${what} got no HTTP answer (${error.message})`));
      else if (code === 'ECONNRESET' || code === 'EPIPE') tell(no(`${what}: the connection was closed without an answer`));
      else fail(error);
    });
    call.end();
    return call;
  });
}

/** Runs one attempt within its time. */
function look(target: Target, { clock, timeoutMs, leftMs = timeoutMs, signal }: LookOptions, attempt: Attempt): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    let running: { destroy(): unknown } | undefined;
    const end = (settle: () => void): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      settle();
      running?.destroy();
    };
    const tell = (result: ProbeResult): void => end(() => resolve(result));
    const leave = (): void => end(() => reject(abortError(signal)));
    const fail = (error: unknown): void =>
      end(() => {
        const detail = wordsOf(error, target);
        if (detail !== undefined) resolve(no(detail));
        else reject(problem('engine-error', `the node could not look: ${String(error)}`, { cause: error }));
      });
    const timer = clock.setTimeout(() => tell(no(`no answer within ${formatDuration(timeoutMs)}`)), leftMs);
    signal.addEventListener('abort', leave, { once: true });
    try {
      running = attempt(tell, fail);
    } catch (error) {
      // A path that no request line can hold, for one.
      tell(no(error instanceof Error ? error.message : String(error)));
    }
  });
}

/** What this host's own limits say: then nothing is known of the task. */
const ownLimits: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** An error of the network in plain words; undefined for one that is this host's own. */
function wordsOf(error: unknown, { shownPort }: Target): string | undefined {
  const code = codeOf(error);
  if (ownLimits.has(code)) return undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return `connection refused on port ${shownPort}`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `the connection to port ${shownPort} was reset`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
      return `the address of the container cannot be reached (port ${shownPort})`;
    case 'ETIMEDOUT':
      return `no answer on port ${shownPort}`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
