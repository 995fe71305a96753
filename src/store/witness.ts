/**
 * A small file beside LevelDB's own that says which commit callers were last told of. When the end of LevelDB's log is torn off
 * nothing inside the database can tell; this file can. It is written after each commit without waiting and without fsync: it
 * may be behind, but never ahead of what was durable.
 */
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Log } from '../ports/ambient.ts';

const fileName = 'ACKNOWLEDGED';

/** The file, open for writing. */
export interface Witness {
  /** Notes a commit; what was noted before and not yet written is skipped. */
  note(revision: number): void;
  /** Writes what is noted and lets go. */
  close(): Promise<void>;
}

/** The commit last noted; 0 when there is no file, or none that can be read. */
export async function readWitness(directory: string, log?: Log): Promise<number> {
  let text: string;
  try {
    text = await readFile(join(directory, fileName), 'latin1');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw thrown;
  }
  const revision = Number(text.slice(0, 16));
  if (text === lineOf(revision)) return revision;
  // Empty after a loss of power right after it was made: that is no damage.
  if (text !== '') log?.warn(`the file ${fileName} cannot be read; commits lost at the end would go unnoticed`, { directory });
  return 0;
}

/** Opens the file, made when missing. */
export async function openWitness(directory: string, log?: Log): Promise<Witness> {
  // Not truncated: what is there stays until the first note.
  const file = await open(join(directory, fileName), constants.O_RDWR | constants.O_CREAT, 0o600);
  let wanted = 0;
  let written = 0;
  let writing: Promise<void> | undefined;
  let failed = false;

  async function write(): Promise<void> {
    try {
      while (written < wanted) {
        const revision = wanted;
        await file.write(lineOf(revision), 0, 'latin1');
        written = revision;
      }
    } catch (thrown) {
      if (!failed)
        log?.warn(`the file ${fileName} cannot be written; commits lost at the end would go unnoticed`, { error: String(thrown) });
      failed = true;
      written = wanted;
    }
    writing = undefined;
  }

  return {
    note(revision) {
      if (revision <= wanted) return;
      wanted = revision;
      writing ??= write();
    },
    async close() {
      while (writing) await writing;
      await file.close();
    },
  };
}

/** Always of one length, so that it is overwritten in place. */
function lineOf(revision: number): string {
  const digits = String(revision).padStart(16, '0');
  return `${digits} ${crc32(digits).toString(16).padStart(8, '0')}\n`;
}
