/** The store on LevelDB (classic-level): one database a store, every write with fsync. */
import { mkdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import type { OpenOptions } from 'classic-level';
import { CubeError, problem } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../ports/ambient.ts';
import type { Store } from '../ports/store.ts';
import type { Disk, DiskHandle, Entry } from './disk.ts';
import { createStore } from './engine.ts';
import type { StoreOptions } from './engine.ts';
import type { Bounds } from './keys.ts';
import { tableDamage } from './tables.ts';
import { openWitness, readWitness } from './witness.ts';
import type { Witness } from './witness.ts';

/** What `openLevelStore` takes. */
export interface LevelStoreOptions extends StoreOptions {
  /** Directory of the database; made, readable by its owner only, when missing. */
  readonly directory: string;
  readonly log: Log;
  /** What to do when its files are damaged. */
  readonly repair?: string;
}

const repairUsual = 'put back a backup, or start anew with another --data';

function hintDamaged(repair: string): string {
  return `its files are damaged: keep a copy of the directory, then ${repair}`;
}

type Database = ClassicLevel<string, Buffer>;

/** A store in a directory. Nothing is opened before `load`. */
export function openLevelStore({ directory, repair = repairUsual, ...options }: LevelStoreOptions): Store {
  return createStore(levelDisk(directory, repair, options.limits, options.log), options);
}

function levelDisk(directory: string, repair: string, limits: Limits, log: Log): Disk {
  return {
    async open() {
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 });
        await checkFree(directory);
        await checkWhole(directory, repair);
        // A database that is gone is not made anew over what may be left of it.
        const createIfMissing = (await readWitness(directory, log)) === 0;
        const database = await openDatabase(directory, { createIfMissing });
        return await handleOf(database, directory, limits, log);
      } catch (thrown) {
        throw thrown instanceof CubeError ? thrown : diskError(thrown, `${directory} cannot be opened`, repair);
      }
    },
  };
}

/** Opens at once: the library would else open by itself, with its own options, one turn after the constructor. */
async function openDatabase(directory: string, options: OpenOptions): Promise<Database> {
  const database: Database = new ClassicLevel(directory, { keyEncoding: 'utf8', valueEncoding: 'buffer' });
  await database.open(options);
  return database;
}

/**
 * Looks whether another process has a database open. LevelDB takes its lock before it looks at `errorIfExists`, and reads nothing then.
 * @throws CubeError `data-held`
 */
export async function checkFree(directory: string): Promise<void> {
  try {
    const database = await openDatabase(directory, { createIfMissing: false, errorIfExists: true });
    await database.close();
  } catch (thrown) {
    if (reasonOf(thrown).code !== 'LEVEL_LOCKED') return;
    throw problem('data-held', `another process has ${directory} open`, { cause: thrown });
  }
}

async function checkWhole(directory: string, repair: string): Promise<void> {
  const damage = await tableDamage(directory);
  if (damage.length > 0) throw problem('store-failed', `${directory}/${damage.join('; ')}`, { hint: hintDamaged(repair) });
}

async function handleOf(database: Database, directory: string, limits: Limits, log: Log): Promise<DiskHandle> {
  let witness: Witness;
  let acknowledged: number;
  try {
    // Read again: only now is nobody else writing it.
    acknowledged = await readWitness(directory, log);
    witness = await openWitness(directory, log);
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
  return {
    acknowledged,
    async write(operations) {
      try {
        await database.batch([...operations], { sync: true });
      } catch (thrown) {
        throw diskError(thrown, `a write to ${directory} failed`);
      }
    },
    read: (bounds, chunkMax) => read(database, bounds, chunkMax, limits.storeReadBytesMax),
    acknowledge: (revision) => witness.note(revision),
    async close() {
      await witness.close();
      await database.close();
    },
  };
}

async function* read(database: Database, bounds: Bounds, chunkMax: number, chunkBytes: number): AsyncGenerator<readonly Entry[]> {
  const iterator = database.iterator({ ...bounds, highWaterMarkBytes: chunkBytes });
  try {
    for (;;) {
      const chunk = await iterator.nextv(chunkMax);
      if (chunk.length === 0) return;
      yield chunk;
    }
  } catch (thrown) {
    throw diskError(thrown, `${database.location} cannot be read`);
  } finally {
    await iterator.close();
  }
}

/** LevelDB's own error lies behind the one that says the database is not open. */
function reasonOf(thrown: unknown): { code: string; message: string } {
  const error = thrown as NodeJS.ErrnoException;
  const inner = (error.cause ?? error) as NodeJS.ErrnoException;
  return { code: inner.code ?? '', message: inner.message ?? String(thrown) };
}

function diskError(thrown: unknown, what: string, repair = repairUsual): CubeError {
  const { code, message } = reasonOf(thrown);
  const damaged = code === 'LEVEL_CORRUPTION' || /does not exist|No such file/.test(message);
  return problem('store-failed', `${what}: ${message}`, {
    cause: thrown,
    hint: damaged ? hintDamaged(repair) : undefined,
  });
}
