/** An answer of bytes, as they come. */
import type { ClientDeps } from './call.ts';
import { refuseErrors } from './call.ts';

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
