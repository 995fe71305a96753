/** The node's end of `/v1/exec`: one command in a task over one WebSocket, in the form of `core/exec-protocol`. */
import type { WebSocket } from 'ws';
import { asCubeError, problem, type CubeError } from '../core/errors.ts';
import { decodeExecInput, encodeExecMessage, parseExecOpen, type ExecInput, type ExecItem, type ExecOpen } from '../core/exec-protocol.ts';
import type { Limits } from '../core/limits.ts';
import type { MessageQueue } from '../core/message-queue.ts';
import type { Clock, Log } from '../ports/ambient.ts';
import { messagesOf } from './message-queue.ts';

/** Runs a command: the manager's `exec`. */
export type ExecSource = (open: ExecOpen, input: AsyncIterable<ExecInput>, signal: AbortSignal) => AsyncIterable<ExecItem>;

/** What serving sessions needs. */
export interface ExecServerOptions {
  readonly limits: Pick<Limits, 'execSessionsMax' | 'execOpenMs' | 'execPingMs' | 'execBufferBytesMax'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly run: ExecSource;
}

/** Serves the sessions of one node. */
export interface ExecServer {
  /** Why no more sessions are taken now: `busy` when `execSessionsMax` are open. */
  refusal(): CubeError | undefined;
  /** Serves a session; settles when it is over. @param webSocket open; one that was paused is resumed */
  serve(webSocket: WebSocket): Promise<void>;
}

const normalClosure = 1000;

/** A server of sessions; it listens nowhere. */
export function createExecServer(options: ExecServerOptions): ExecServer {
  let sessions = 0;
  return {
    refusal() {
      if (sessions < options.limits.execSessionsMax) return undefined;
      return problem('busy', `${sessions} commands run in tasks through this node already`);
    },
    async serve(webSocket) {
      sessions++;
      await serveExec(webSocket, options).finally(() => sessions--);
    },
  };
}

/**
 * One session. Neither side is read ahead of the other: a command waits for a slow client, and a client that writes faster than the
 * command reads is not read from. A client that closes, or vanishes, ends its session.
 */
async function serveExec(webSocket: WebSocket, options: ExecServerOptions): Promise<void> {
  const { log, limits, clock, run } = options;
  const gone = new AbortController();
  webSocket.on('error', (error) => log.debug('a client of a command failed', { error }));
  webSocket.once('close', () => gone.abort());
  const messages = messagesOf(webSocket, limits.execBufferBytesMax);
  const stopPings = pinging(webSocket, clock, limits.execPingMs);
  try {
    const open = await opening(messages, options);
    if (open === undefined) return;
    for await (const item of run(open, inputs(messages), gone.signal)) {
      await send(webSocket, encodeExecMessage(item), item.kind === 'exit' ? 0 : limits.execBufferBytesMax);
      // One that is being closed takes all at once and sends none of it.
      if (webSocket.readyState !== webSocket.OPEN) return;
    }
  } catch (thrown) {
    if (gone.signal.aborted) return;
    await send(webSocket, encodeExecMessage({ kind: 'error', error: asCubeError(thrown) }), 0);
  } finally {
    stopPings();
    // A paused socket would never see its peer's goodbye.
    messages.drop();
    await left(gone.signal, clock, limits.execOpenMs);
    webSocket.close(normalClosure);
  }
}

/** The client closes once it has read how it ended: were it cut while it still writes, it would lose what it has not read. */
function left(gone: AbortSignal, clock: Clock, msMax: number): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) return resolve();
    const timer = clock.setTimeout(() => resolve(), msMax);
    gone.addEventListener('abort', () => {
      clock.clearTimeout(timer);
      resolve();
    });
  });
}

/** What the client wants; undefined when it leaves first. @throws CubeError `usage`, `timeout` */
async function opening(messages: MessageQueue, { clock, limits }: ExecServerOptions): Promise<ExecOpen | undefined> {
  const late = Symbol('late');
  let timer: unknown;
  const patience = new Promise<typeof late>((resolve) => (timer = clock.setTimeout(() => resolve(late), limits.execOpenMs)));
  try {
    const first = await Promise.race([messages.next(), patience]);
    if (first === late) throw problem('timeout', `nothing was asked for within ${limits.execOpenMs} ms`);
    if (first === undefined) return undefined;
    if (first.isBinary)
      throw problem('usage', 'the first message says what is to be run, as JSON text', { hint: '/openapi.json describes it' });
    return parseExecOpen(new TextDecoder().decode(first.bytes));
  } finally {
    clock.clearTimeout(timer);
  }
}

/** What the client sends to its command. @throws CubeError `usage` */
async function* inputs(messages: MessageQueue): AsyncGenerator<ExecInput> {
  for (let message = await messages.next(); message !== undefined; message = await messages.next()) {
    if (!message.isBinary) throw problem('usage', 'after the first message all are binary', { hint: '/openapi.json describes them' });
    yield decodeExecInput(message.bytes);
  }
}

/** Sends, and waits while more than so many bytes are on their way; a socket that is closed takes nothing and is not waited for. */
function send(webSocket: WebSocket, message: Uint8Array, waitingBytesMax: number): Promise<void> {
  return new Promise((resolve) => {
    webSocket.send(message, () => resolve());
    if (webSocket.bufferedAmount <= waitingBytesMax) resolve();
  });
}

/**
 * Pings now and then: a paused socket does not see that its client is gone, and a failed write shows it. Answers are not asked for,
 * since a client that is held up gives none.
 */
function pinging(webSocket: WebSocket, clock: Clock, everyMs: number): () => void {
  let timer: unknown;
  const ping = (): void => {
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (webSocket.bufferedAmount === 0) webSocket.ping();
    timer = clock.setTimeout(ping, everyMs);
  };
  timer = clock.setTimeout(ping, everyMs);
  return () => clock.clearTimeout(timer);
}
