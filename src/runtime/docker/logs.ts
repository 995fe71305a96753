/** A container's output, line by line, with the engine's times. */
import type { Readable } from 'node:stream';
import { problem } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import type { ContainerRef, LogChunk, LogOptions } from '../../ports/runtime.ts';
import { abortError } from '../abort.ts';
import { LineCutter } from '../lines.ts';
import { isRefused } from './engine.ts';
import type { Engine } from './engine.ts';

/** Seconds with nine decimals, as the engine wants `since`. It gives what is not older: one ms later gives what is newer. */
function sinceOf(sinceMs: number): string {
  const next = Math.max(0, Math.floor(sinceMs) + 1);
  return `${Math.floor(next / 1000)}.${String(next % 1000).padStart(3, '0')}000000`;
}

/**
 * Reads a container's output. What is not read is not fetched: a slow reader slows the engine's answer.
 * @throws CubeError `not-found` when the container is gone, AbortError
 */
export async function* containerLogs(engine: Engine, ref: ContainerRef, options: LogOptions, limits: Limits): AsyncGenerator<LogChunk> {
  const { follow, tail, sinceMs, signal } = options;
  const query = {
    stdout: 1,
    stderr: 1,
    timestamps: 1,
    follow: follow ? 1 : 0,
    ...(tail === undefined ? {} : { tail }),
    ...(sinceMs === undefined ? {} : { since: sinceOf(sinceMs) }),
  };
  const path = `/containers/${encodeURIComponent(ref.id)}/logs`;
  let stream: Readable;
  try {
    stream = await engine.stream('read the logs', { path, method: 'GET', query }, signal);
  } catch (error) {
    if (isRefused(error, 404)) throw problem('not-found', `container ${ref.name} is gone, and its output with it`, { cause: error });
    throw error;
  }
  try {
    yield* chunksOf(framesOf(stream), limits.logLineCharsMax);
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    throw problem('engine-error', `the logs of ${ref.name} broke off: ${String(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
  if (signal.aborted) throw abortError(signal);
}

/** One frame: what one write of the container made, or 16 KiB of it. */
export interface LogFrame {
  readonly stream: 'stdout' | 'stderr';
  readonly payload: Buffer;
}

const headerBytes = 8;

/**
 * Takes the frames out of the engine's stream: one byte stream type, three of nothing, four of length (big endian), the
 * payload (Docker Engine API, "Attach to a container", stream format). Own few lines instead of the modem's `demuxStream`,
 * which never ends its outputs, copies all that is left for each frame, and does not wait for a slow reader.
 */
export async function* framesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<LogFrame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= headerBytes) {
      const end = at + headerBytes + rest.readUInt32BE(at + 4);
      if (rest.length < end) break;
      yield { stream: rest[at] === 2 ? 'stderr' : 'stdout', payload: rest.subarray(at + headerBytes, end) };
      at = end;
    }
    rest = rest.subarray(at);
  }
}

const space = 0x20;

/** Lines out of frames. Every frame starts with its time and a space; a long line comes in several frames. */
export async function* chunksOf(frames: AsyncIterable<LogFrame>, lineCharsMax: number): AsyncGenerator<LogChunk> {
  const cutters = { stdout: new LineCutter(lineCharsMax), stderr: new LineCutter(lineCharsMax) };
  const at = { stdout: 0, stderr: 0 };
  for await (const { stream, payload } of frames) {
    const gap = payload.indexOf(space);
    const time = gap > 0 ? Date.parse(payload.subarray(0, gap).toString('latin1')) : Number.NaN;
    const isTimed = !Number.isNaN(time);
    if (isTimed) at[stream] = time;
    const text = cutters[stream].push(isTimed ? payload.subarray(gap + 1) : payload);
    if (text !== '') yield { stream, text, at: at[stream] };
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = cutters[stream].end();
    if (text !== '') yield { stream, text, at: at[stream] };
  }
}
