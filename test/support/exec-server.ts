/** A real server of `/v1/exec` on loopback, whose commands a test plays. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import type { CubeError } from '../../src/core/errors.ts';
import type { ExecInput, ExecItem, ExecOpen } from '../../src/core/exec-protocol.ts';
import { limitsWith } from '../../src/core/limits.ts';
import type { Clock, Log } from '../../src/ports/ambient.ts';
import { createExecServer, createWebSocketServer, type ExecSource } from '../../src/transport/index.ts';
import { realClock } from '../../src/ambient/clock.ts';

/** A command as it is played, and what became of it. */
export interface PlayedCommand {
  readonly open: ExecOpen;
  readonly signal: AbortSignal;
  /** Bytes of input that it has read. */
  inputBytes: number;
  /** Whether what it does was left or done. */
  over: boolean;
}

/** Plays a command: gets its input, gives what comes of it. */
export type Play = (open: ExecOpen, input: AsyncIterable<ExecInput>, command: PlayedCommand) => AsyncIterable<ExecItem>;

/** A server, and the commands that were run on it. */
export interface PlayServer {
  readonly url: string;
  readonly commands: PlayedCommand[];
  /** Authorization headers, in the order in which they came. */
  readonly credentials: (string | undefined)[];
  /** Stops as a node does. */
  stop(): Promise<void>;
}

/** Log lines of a test are of no interest. */
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** @param options.door answers an upgrade with an error instead of taking it */
export async function playServer(
  t: TestContext,
  play: Play,
  options: {
    readonly limits?: Readonly<Record<string, number>>;
    readonly clock?: Clock;
    readonly door?: (request: IncomingMessage) => CubeError | undefined;
  } = {},
): Promise<PlayServer> {
  const limits = limitsWith({ linkCloseMs: 200, ...options.limits });
  const sockets = createWebSocketServer({ limits, log: silent });
  const commands: PlayedCommand[] = [];
  const credentials: (string | undefined)[] = [];
  const run: ExecSource = async function* (open, input, signal) {
    const command: PlayedCommand = { open, signal, inputBytes: 0, over: false };
    commands.push(command);
    const counted = async function* (): AsyncGenerator<ExecInput> {
      for await (const item of input) {
        if (item.kind === 'bytes') command.inputBytes += item.bytes.length;
        yield item;
      }
    };
    try {
      yield* play(open, counted(), command);
    } finally {
      command.over = true;
    }
  };
  const execs = createExecServer({ limits, clock: options.clock ?? realClock(), log: silent, run });
  const server = createServer();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    credentials.push(request.headers.authorization);
    const refused = options.door?.(request) ?? execs.refusal();
    if (refused) return sockets.refuseWith(socket, refused);
    void sockets.upgrade(request, socket, head, 'exec').then((webSocket) => execs.serve(webSocket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    await sockets.close('the node stops');
    server.closeAllConnections();
    server.close();
  };
  t.after(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, commands, credentials, stop };
}

/** Output of a command. */
export function out(text: string | Uint8Array, stream: 'stdout' | 'stderr' = 'stdout'): ExecItem {
  return { kind: 'output', stream, bytes: typeof text === 'string' ? Buffer.from(text) : text };
}

/** What a few commands do: `cat`, `echo WORDS`, `wait`, `exit CODE`, `flood` (writes without end), `resized` (tells each size). */
export const usualPlay: Play = async function* ({ command: [program, ...words], size }, input, { signal }) {
  yield { kind: 'started' };
  if (program === 'echo') yield out(words.join(' '));
  if (program === 'both') yield* [out('to stdout'), out('to stderr', 'stderr')];
  if (program === 'wait') await new Promise((resolve) => signal.addEventListener('abort', resolve));
  if (program === 'flood') while (!signal.aborted) yield out(Buffer.alloc(65_536));
  if (program === 'resized') yield out(`${size?.columns}x${size?.rows} `);
  if (program === 'cat' || program === 'resized') {
    for await (const item of input) {
      if (item.kind === 'end') break;
      if (item.kind === 'resize') yield out(`${item.columns}x${item.rows} `);
      else yield out(item.bytes);
    }
  }
  yield { kind: 'exit', exitCode: program === 'exit' ? Number(words[0]) : 0 };
};
