/** Where a reader of output stands, so that it can go on from there in another copy of the same output. */
import type { LogChunk } from '../../src/ports/runtime.ts';

/** The end of what was read: its time, and how much of that time was read of each stream. */
export class LogPlace {
  #at: number | undefined;
  #chars = { stdout: 0, stderr: 0 };

  /** Time of the last piece that was read; undefined before the first. */
  get at(): number | undefined {
    return this.#at;
  }

  /** Moves behind a piece that was read. */
  pass({ at, stream, text }: LogChunk): void {
    if (this.#at === undefined || at > this.#at) {
      this.#at = at;
      this.#chars = { stdout: 0, stderr: 0 };
    }
    // A piece with an earlier time belongs to what lies behind: two streams may come a little out of order.
    if (at === this.#at) this.#chars[stream] += text.length;
  }

  /** Gives a function that, called with one piece after the other of a copy, gives what of it was not read yet. */
  resume(): (chunk: LogChunk) => LogChunk | undefined {
    const startAt = this.#at;
    const toSkip = { ...this.#chars };
    return (chunk) => {
      if (startAt === undefined || chunk.at > startAt) return chunk;
      if (chunk.at < startAt) return undefined;
      const skipped = Math.min(toSkip[chunk.stream], chunk.text.length);
      toSkip[chunk.stream] -= skipped;
      return skipped === chunk.text.length && skipped > 0 ? undefined : { ...chunk, text: chunk.text.slice(skipped) };
    };
  }
}
