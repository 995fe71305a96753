/** Bytes at the pace of their reader. */
import { asCubeError } from '../core/errors.ts';
import type { Log } from '../ports/ambient.ts';
import { commonHeaders } from './answers.ts';
import type { BytesAnswer } from './route.ts';

/** @throws what the first bytes throw; later the connection breaks off, so that nobody takes a part for the whole */
export async function bytesResponse(answer: BytesAnswer, request: Request, log: Log): Promise<Response> {
  const headers = { ...commonHeaders, 'content-type': answer.contentType };
  if (request.method === 'HEAD') return new Response(null, { headers });
  const source = answer.open()[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await source.next();
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const next = first ?? (await source.next());
          first = undefined;
          if (next.done) controller.close();
          else controller.enqueue(next.value);
        } catch (thrown) {
          const error = asCubeError(thrown);
          log.warn('an answer broke off', { code: error.code, reason: error.message });
          controller.error(thrown);
        }
      },
      cancel: async () => {
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}
