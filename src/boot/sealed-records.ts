/** What a backup holds that only the key of its manager opens. */
import { asCubeError } from '../core/errors.ts';
import { fileKey, type SealedFile } from '../core/files.ts';
import { openSealing } from '../security/sealing.ts';
import { sealingKey } from './data-directory.ts';

/** How many sealed records there are, and one of them. */
export interface SealedRecords {
  count: number;
  first?: SealedFile;
}

/** Whether the key of a data directory opens what was sealed. */
export function opensWith(dataDirectory: string, sealed: SealedFile | undefined, warn: (message: string) => void): boolean {
  if (sealed === undefined) return true;
  try {
    openSealing(sealingKey(dataDirectory), warn).open(fileKey(sealed), sealed);
    return true;
  } catch (thrown) {
    if (asCubeError(thrown).code === 'sealed') return false;
    throw thrown;
  }
}
