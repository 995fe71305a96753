/** Tells the manager what an image's name stands for. */
import type { ImageDigest } from '../../src/core/image-digests.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import type { DigestStream } from '../../src/ports/transport.ts';

/** What telling needs. */
export interface ImageDigestDeps {
  readonly runtime: Pick<Runtime, 'imageDigest'>;
}

/** One item, or none where the runtime knows no such image. @throws CubeError of the image's codes; AbortError */
export async function* digestItems({ runtime }: ImageDigestDeps, what: DigestStream, signal: AbortSignal): AsyncGenerator<ImageDigest> {
  const found = await runtime.imageDigest(what.image, what.pull, signal);
  if (found !== undefined) yield found;
}
