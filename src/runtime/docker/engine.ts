/** One connection to a Docker engine: every call with its time limit and its errors in Cube's words. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import type Docker from 'dockerode';
import { CubeError, problem } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock } from '../../ports/ambient.ts';
import { abortError, abortable } from '../abort.ts';
import { unreachableEngine } from './address.ts';
import type { EngineAddress } from './address.ts';

/** The engine answered, and said no. */
export class Refused extends CubeError {
  /** HTTP status of the answer. */
  readonly status: number;
  /** The engine's own words. */
  readonly words: string;

  constructor(doing: string, status: number, words: string, cause: unknown) {
    super('engine-error', `the engine could not ${doing}: ${words}`, { cause });
    this.status = status;
    this.words = words;
  }
}

/** Whether the engine refused with this HTTP status. */
export function isRefused(thrown: unknown, status: number): thrown is Refused {
  return thrown instanceof Refused && thrown.status === status;
}

/** A stream the engine sends for as long as it is wanted. */
export interface StreamCall {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly query: Readonly<Record<string, unknown>>;
  /** Sent as X-Registry-Auth. */
  readonly authconfig?: Readonly<Record<string, string>>;
}

/** An open connection. */
export interface Engine {
  readonly docker: Docker;
  /**
   * The same, by a new connection for each call. An engine that is being stopped takes none any more, but serves the old ones while it
   * ends every container. What is done about an end goes this way, or tasks would be started again only to be ended, until no
   * attempt is left.
   */
  readonly fresh: Docker;
  readonly address: EngineAddress;
  /**
   * Makes one call that should answer at once.
   * @param doing completes "the engine could not ...", for messages
   * @throws Refused when the engine says no, CubeError `no-engine` when it does not answer, or not in time
   */
  call<T>(doing: string, run: (abortSignal: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * Opens a stream. Only its opening has a time limit.
   * @param signal ends the stream, too
   * @throws as `call` does, and AbortError
   */
  stream(doing: string, what: StreamCall, signal: AbortSignal, openMs?: number): Promise<Readable>;
  close(): void;
}

/** What the modem throws for an answer that is no success. */
interface ModemError extends Error {
  readonly statusCode: number;
  readonly json?: unknown;
  readonly reason?: string;
}

function isModemError(thrown: unknown): thrown is ModemError {
  return thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number';
}

/** Docker's own words: the body's message, else what the modem put around it. */
function wordsOf(error: ModemError): string {
  const body = error.json;
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string') return body.message.trim();
  return error.message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

/**
 * Connects to nothing yet: the first call does. dockerode is loaded here, because it takes 130 ms and 27 MB that a node
 * on another runtime need not spend.
 * @throws CubeError `no-engine` when dockerode refuses what the environment says
 */
export async function openEngine(address: EngineAddress, clock: Clock, limits: Limits): Promise<Engine> {
  const { default: Dockerode } = await import('dockerode');
  const newAgent = address.protocol === 'https' ? HttpsAgent : HttpAgent;
  const agents = { kept: new newAgent({ keepAlive: true }), fresh: new newAgent({ keepAlive: false }) };
  const { socketPath, protocol, host, port, ca, cert, key } = address;
  const client = (agent: HttpAgent | HttpsAgent): Docker => {
    // The modem formats its options, the agent with all its sockets too, for a debug line that is hardly ever printed.
    Object.assign(agent, { [inspect.custom]: () => 'agent' });
    // All are named, undefined ones too: what is left out the modem takes from DOCKER_HOST.
    const settings = { socketPath, protocol, host, port, ca, cert, key, agent };
    return new Dockerode(settings);
  };
  try {
    const clients = { docker: client(agents.kept), fresh: client(agents.fresh) };
    return new Connection(clients, address, Object.values(agents), clock, limits);
  } catch (error) {
    throw problem('no-engine', `the connection to ${address.shown} could not be set up: ${String(error)}`, { cause: error });
  }
}

class Connection implements Engine {
  readonly docker: Docker;
  readonly fresh: Docker;
  readonly address: EngineAddress;
  readonly #agents: readonly (HttpAgent | HttpsAgent)[];
  readonly #clock: Clock;
  readonly #callMs: number;

  constructor(
    { docker, fresh }: Pick<Engine, 'docker' | 'fresh'>,
    address: EngineAddress,
    agents: readonly (HttpAgent | HttpsAgent)[],
    clock: Clock,
    limits: Limits,
  ) {
    this.docker = docker;
    this.fresh = fresh;
    this.address = address;
    this.#agents = agents;
    this.#clock = clock;
    this.#callMs = limits.engineCallMs;
  }

  async call<T>(doing: string, run: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController();
    const timer = this.#clock.setTimeout(() => late.abort(), this.#callMs);
    try {
      // Raced as well as aborted: not all of dockerode's calls take the signal.
      return await abortable(run(late.signal), late.signal);
    } catch (error) {
      throw this.#problem(doing, error, late.signal.aborted ? this.#callMs : undefined);
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  async stream(doing: string, what: StreamCall, signal: AbortSignal, openMs = this.#callMs): Promise<Readable> {
    if (signal.aborted) throw abortError(signal);
    const abort = new AbortController();
    const leave = (): void => abort.abort();
    signal.addEventListener('abort', leave, { once: true });
    let late = false;
    const timer = this.#clock.setTimeout(() => {
      late = true;
      abort.abort();
    }, openMs);
    try {
      const stream = await this.#dial(what, abort.signal);
      // An error that comes after the last reader has left must not end the process.
      stream.on('error', () => undefined);
      stream.once('close', () => signal.removeEventListener('abort', leave));
      return stream;
    } catch (error) {
      signal.removeEventListener('abort', leave);
      if (signal.aborted) throw abortError(signal);
      throw this.#problem(doing, error, late ? openMs : undefined);
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  /** Through the modem itself: dockerode reads unfollowed logs into memory as one text. */
  #dial(what: StreamCall, abortSignal: AbortSignal): Promise<Readable> {
    return new Promise((resolve, reject) => {
      const { path, method, query, authconfig } = what;
      // An empty body: the modem would send the query a second time in place of none.
      const options = { _query: query, _body: {} };
      const dial = { path: `${path}?`, method, options, authconfig, abortSignal, isStream: true, statusCodes: { 200: true } };
      this.docker.modem.dial(dial, (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result as Readable)));
    });
  }

  #problem(doing: string, thrown: unknown, lateMs: number | undefined): CubeError {
    if (thrown instanceof CubeError) return thrown;
    // No answer: whether it was done is not known. Who asked may ask again, for every call is safe to repeat.
    const silent = (what: string): CubeError =>
      problem('no-engine', `the engine at ${this.address.shown} ${what}`, { hint: 'look at the engine: `docker info`', cause: thrown });
    if (lateMs !== undefined) return silent(`took over ${lateMs} ms to ${doing}`);
    if (isModemError(thrown)) return new Refused(doing, thrown.statusCode, wordsOf(thrown), thrown);
    const unreachable = unreachableEngine(thrown, this.address);
    if (unreachable) return unreachable;
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    return silent(`broke off while asked to ${doing}: ${words}`);
  }
}
