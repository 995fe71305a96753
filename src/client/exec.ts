/** Commands in tasks, over the WebSocket `/v1/exec` (core/exec-protocol). */
import { problem } from '../core/errors.ts';
import { decodeExecMessage, encodeExecInput } from '../core/exec-protocol.ts';
import type { ExecMessage, ExecOpen, TerminalSize } from '../core/exec-protocol.ts';
import type { ClientDeps } from './call.ts';
import type { ClientSocket } from './socket.ts';

/** What is to be run. */
export interface ExecRequest {
  readonly command: readonly string[];
  /** With a terminal: stdout and stderr are one stream then. */
  readonly tty?: boolean | undefined;
  /** Whether there will be input. */
  readonly stdin?: boolean | undefined;
  readonly size?: TerminalSize | undefined;
  /** Ends the session. */
  readonly signal?: AbortSignal | undefined;
}

/** A command that runs in a task. */
export interface RemoteCommand {
  /** What it writes; to be read once, and to its end. What is not read holds the command up. @throws CubeError why the session ended */
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>;
  /** Known when all output was read. @throws CubeError `conflict` before that */
  readonly exitCode: number;
  /** Settles when more may be written; nothing happens when the command has ended. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more input comes. */
  endInput(): void;
  resize(size: TerminalSize): void;
  /** Ends the session. */
  close(): void;
}

/** The next message that this version knows. @throws CubeError the node's, `unreachable` when the session broke off; the signal's reason */
async function nextMessage(socket: ClientSocket, signal: AbortSignal): Promise<Exclude<ExecMessage, { kind: 'error' }>> {
  for (;;) {
    const message = await socket.messages.next();
    if (message === undefined) {
      signal.throwIfAborted();
      throw problem('unreachable', `the session has ended: ${socket.closedWhy ?? 'it was closed'}`, {
        hint: 'whether the command goes on is not known; `cube status` tells whether its task does',
      });
    }
    const known = message.isBinary ? decodeExecMessage(message.bytes) : undefined;
    if (known?.kind === 'error') throw known.error;
    if (known !== undefined) return known;
  }
}

/** Starts a command. @throws CubeError of the node; `unreachable`; the signal's reason when it fires before the node answers */
export async function startExec(deps: ClientDeps, task: string, request: ExecRequest): Promise<RemoteCommand> {
  const { command, tty = false, stdin = false, size, signal = new AbortController().signal } = request;
  if (deps.connect === undefined) throw problem('usage', 'this client was made without WebSockets, so it cannot run commands');
  const socket = await deps.connect('/v1/exec', signal);
  const close = () => socket.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    const open: ExecOpen = { task, command, tty, stdin, ...(size ? { size } : {}) };
    await socket.send(JSON.stringify(open));
    const first = await nextMessage(socket, signal);
    if (first.kind !== 'started') throw problem('failed', `the node began a session with "${first.kind}"`);
  } catch (thrown) {
    signal.removeEventListener('abort', close);
    close();
    throw thrown;
  }
  let exitCode: number | undefined;
  const output = async function* () {
    try {
      for (;;) {
        const message = await nextMessage(socket, signal);
        if (message.kind === 'output') yield { stream: message.stream, bytes: message.bytes };
        if (message.kind === 'exit') return void (exitCode = message.exitCode);
      }
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  };
  return {
    output: output(),
    get exitCode() {
      if (exitCode === undefined) throw problem('conflict', 'the command has not ended yet');
      return exitCode;
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length; at += deps.limits.execPieceBytes) {
        await socket.send(encodeExecInput({ kind: 'bytes', bytes: bytes.subarray(at, at + deps.limits.execPieceBytes) }));
      }
    },
    endInput: () => void socket.send(encodeExecInput({ kind: 'end' })),
    resize: (to) => void socket.send(encodeExecInput({ kind: 'resize', columns: to.columns, rows: to.rows })),
    close,
  };
}
