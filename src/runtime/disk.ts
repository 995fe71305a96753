/** Sizes of a file system, asked of the kernel directly: a library would start `df` for it. */
import { statfs } from 'node:fs/promises';

/** Bytes of the file system that holds `path`. @throws what Node throws, ENOENT when there is no such path */
export async function diskOf(path: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number }> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  // As df does: what only root may use is no part of the whole.
  return { totalBytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize };
}
