/** Reads a whole store and says what is wrong with it. */
import { storeKinds, type Kind, type Loaded } from '../ports/store.ts';
import type { Codec } from './codec.ts';
import type { DiskHandle } from './disk.ts';
import { boundsOf, keyOf } from './keys.ts';
import type { RecordKind } from './keys.ts';
import { chainDamage } from './marks.ts';
import type { ChainState, Head, Mark } from './marks.ts';

/** The kinds that `load` reads. Events are too many to hold; they are read through `range`. */
const kindsLoaded = storeKinds.filter((kind) => kind !== 'event');

/** What was read, and where the chain of marks goes on. */
export interface Content {
  readonly loaded: Loaded;
  readonly chain: ChainState;
}

/** Gives each good record of a kind to `take`, in key order; what is wrong with the others goes to `damage`. */
async function readKind(source: Source, kind: RecordKind, take: (key: string, value: unknown, revision: number) => void): Promise<void> {
  const { handle, codec, chunkMax, damage } = source;
  for await (const chunk of handle.read(boundsOf(kind), chunkMax)) {
    for (const [stored, bytes] of chunk) {
      const key = keyOf(kind, stored);
      const decoded = codec.decode(kind, key, bytes);
      if (decoded.ok) take(key, decoded.value, decoded.revision);
      else damage.push(`${decoded.damage} and was left out`);
    }
  }
}

interface Source {
  readonly handle: DiskHandle;
  readonly codec: Codec;
  readonly chunkMax: number;
  readonly damage: string[];
}

/**
 * Reads all but the events.
 * @param chunkMax records read in one step
 * @throws CubeError `store-failed` when the disk cannot be read, `data-newer` when a newer Cube wrote it
 */
export async function readContent(handle: DiskHandle, codec: Codec, chunkMax: number): Promise<Content> {
  const damage: string[] = [];
  const source: Source = { handle, codec, chunkMax, damage };

  let head: Head | undefined;
  await readKind(source, 'head', (_, value) => (head = value as Head));
  const marks: Mark[] = [];
  await readKind(source, 'mark', (_, value) => marks.push(value as Mark));
  damage.push(...chainDamage(marks, head));
  const last = head ?? marks.at(-1) ?? { revision: 0, chain: 0 };

  let newest = last.revision;
  const records = new Map<Kind, ReadonlyMap<string, unknown>>();
  for (const kind of kindsLoaded) {
    const found = new Map<string, unknown>();
    await readKind(source, kind, (key, value, revision) => {
      found.set(key, value);
      newest = Math.max(newest, revision);
      if (revision > last.revision) {
        damage.push(`the record ${kind}/${key} is of commit ${revision}, which is newer than the last one known, ${last.revision}`);
      }
    });
    records.set(kind, found);
  }
  if (handle.acknowledged > newest) {
    damage.push(`commits ${newest + 1} to ${handle.acknowledged} were acknowledged and are gone from the disk`);
  }
  // Numbers that were given away are not given twice, whatever the disk has lost.
  const revision = Math.max(newest, handle.acknowledged);
  return {
    loaded: { revision, records, damage },
    chain: { revision: last.revision, chain: last.chain, kept: marks.map((mark) => mark.revision) },
  };
}
