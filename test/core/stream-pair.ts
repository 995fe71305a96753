/** Both ends of a link's streams, joined in memory, and sources for them. */
import { createStreamServer, type StreamSource } from '../../src/core/stream-server.ts';
import { createStreamReader, type LogsStream, type OpenFrame, type StreamFrame, type StreamRequest } from '../../src/core/streams.ts';

export const logs: LogsStream = { kind: 'logs', task: 't', follow: true };

/** The task that a stream is about. */
export function taskIn(what: StreamRequest): string {
  return what.kind === 'digest' ? '' : what.task;
}

export const turn = () => new Promise((resolve) => setImmediate(resolve));
export const turns = async (count = 10) => {
  for (let i = 0; i < count; i++) await turn();
};

/** Both ends of a link's streams, joined in memory; `sources` serves what is asked for by task. */
export function joined(sources: Record<string, StreamSource>, limits = { streamWindowBytes: 1_000, linkStreamsMax: 3 }) {
  const toServer: (OpenFrame | StreamFrame)[] = [];
  const toReader: StreamFrame[] = [];
  const late: unknown[] = [];
  const server = createStreamServer({
    limits,
    onLateError: (thrown) => late.push(thrown),
    send: (frame) => {
      toReader.push(frame);
      queueMicrotask(() => reader.handle(frame));
    },
  });
  const reader = createStreamReader({
    limits,
    send: (frame) => {
      toServer.push(frame);
      queueMicrotask(() => {
        if (frame.type === 'open') server.serve(frame.stream, sources[taskIn(frame.what)]!);
        else server.handle(frame);
      });
    },
  });
  return { reader, server, toServer, toReader, late, ask: (task: string, signal?: AbortSignal) => reader.open({ ...logs, task }, signal) };
}

export async function collect(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A source that gives numbers for ever, counts them, and knows whether it was told to stop. */
export function endless(text = '') {
  const seen = { given: 0, aborted: false, ended: false };
  const source: StreamSource = async function* (signal) {
    signal.addEventListener('abort', () => (seen.aborted = true));
    try {
      for (;;) yield `${seen.given++}${text}`;
    } finally {
      seen.ended = true;
    }
  };
  return { source, seen };
}

/** A source that never gives anything and ends only when it is told to. */
export function quiet() {
  const seen = { aborted: false };
  const source: StreamSource = (signal) => ({
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            seen.aborted = true;
            reject(signal.reason as Error);
          });
        }),
    }),
  });
  return { source, seen };
}
