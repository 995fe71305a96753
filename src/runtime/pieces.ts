/** Reads several byte streams as one, at the reader's pace, to their very ends. */
import type { Readable } from 'node:stream';
import type { ExecOutput } from '../ports/runtime.ts';
import { deferred } from './abort.ts';

/** A stream, and what its bytes are called. */
export interface PieceSource {
  readonly stream: ExecOutput['stream'];
  readonly from: Readable;
}

/**
 * Gives what the sources give, as it comes, until all have ended or broken. What was read before a source broke is given as well:
 * `for await` over a stream drops that, and an engine breaks the connection when a command ends before it has read its input. Nothing
 * is read ahead beyond each stream's own buffer. Why a source broke is told by its `error` event alone.
 */
export async function* piecesOf(sources: readonly PieceSource[]): AsyncGenerator<ExecOutput> {
  let changed = deferred<void>();
  const wake = (): void => changed.resolve();
  for (const { from } of sources) for (const event of ['readable', 'end', 'close']) from.on(event, wake);
  try {
    for (;;) {
      changed = deferred();
      let isQuiet = true;
      for (const { stream, from } of sources) {
        const bytes = from.read() as Buffer | null;
        if (bytes === null) continue;
        isQuiet = false;
        yield { stream, bytes };
      }
      if (!isQuiet) continue;
      if (sources.every(({ from }) => from.readableEnded || from.destroyed)) return;
      await changed.promise;
    }
  } finally {
    for (const { from } of sources) for (const event of ['readable', 'end', 'close']) from.off(event, wake);
  }
}
