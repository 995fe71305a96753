/** Answers that are read while they come: NDJSON (events, log lines), and plain bytes. */
import { formatDuration } from '../core/duration.ts';
import { problem } from '../core/errors.ts';
import type { ClientDeps, Query } from './call.ts';
import { refuseErrors, withQuery } from './call.ts';
import { errorIn } from './errors.ts';
import { ConnectionLost } from './requester.ts';

/** Text by lines, without the empty ones, which are signs of life. */
async function* textLines(body: AsyncIterable<Uint8Array>, charsMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop()!;
    if (rest.length > charsMax) throw problem('failed', `a line of the stream has more than ${charsMax} characters`);
    for (const part of parts) if (part !== '') yield part;
  }
  rest += decoder.decode();
  // A last line without its end was cut: what is left of it is no document.
  if (rest !== '') throw new ConnectionLost('the stream broke off within a line');
}

/** Passes chunks on; calls `onSilence` when none came for so long. */
async function* watched(body: AsyncIterable<Uint8Array>, ms: number, deps: ClientDeps, onSilence: () => void): AsyncGenerator<Uint8Array> {
  const { clock } = deps;
  const iterator = body[Symbol.asyncIterator]();
  for (;;) {
    const timer = clock.setTimeout(onSilence, ms);
    let chunk: IteratorResult<Uint8Array>;
    try {
      chunk = await iterator.next();
    } finally {
      clock.clearTimeout(timer);
    }
    if (chunk.done) return;
    yield chunk.value;
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (thrown) {
    throw problem('failed', `a line of the stream is not JSON: ${line.slice(0, 200)}`, { cause: thrown });
  }
}

/**
 * Opens a stream: settles when the node has said yes.
 * @returns the documents; stopping to read, or the signal, closes the connection
 * @throws CubeError of the node, `unreachable`; the signal's reason when it fires
 */
export async function openLines(
  deps: ClientDeps,
  base: string,
  options: { readonly query: Query; readonly follow: boolean; readonly signal: AbortSignal | undefined },
): Promise<AsyncGenerator> {
  const ending = new AbortController();
  const { signal, follow } = options;
  const silenceMs = follow ? deps.limits.clientSilenceMs : deps.limits.clientAnswerMs;
  const headers = { accept: 'application/x-ndjson' };
  const both = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
  const response = await deps.request({ method: 'GET', path: withQuery(base, options.query), headers, signal: both });
  await refuseErrors(response);
  const onSilence = () => ending.abort(new ConnectionLost(`the stream was silent for ${formatDuration(silenceMs)}`));
  const documents = async function* (): AsyncGenerator {
    try {
      for await (const line of textLines(watched(response.body, silenceMs, deps, onSilence), deps.limits.clientLineCharsMax)) {
        const document = parseLine(line);
        const error = errorIn(document);
        if (error !== undefined) throw error;
        yield document;
      }
    } finally {
      ending.abort();
    }
  };
  return documents();
}

/**
 * Reads an answer; stopping to read closes the connection.
 * @throws CubeError of the node, `unreachable`, also when it breaks off; the signal's reason when it fires
 */
export async function* readBytes(deps: ClientDeps, path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const ending = new AbortController();
  const both = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
  try {
    const response = await deps.request({ method: 'GET', path, headers: { accept: 'application/octet-stream' }, signal: both });
    await refuseErrors(response);
    yield* response.body;
  } finally {
    ending.abort();
  }
}
