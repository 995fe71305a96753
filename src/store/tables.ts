/**
 * Checks LevelDB's table files before LevelDB opens them. It does not check their checksums when it reads (classic-level has no
 * switch for that): a flipped bit can then hide a record, bring back an old one, or end the process at an assertion.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Cursor, logRecords, maskedCrc, unsnappy } from './leveldb-format.ts';

const footerBytes = 48;
/** Behind each block: one byte compression, four bytes checksum. */
const trailerBytes = 5;
const magic = 0xdb4775248b80fb57n;

interface Place {
  readonly offset: number;
  readonly size: number;
}

/**
 * Checks every block of every table that the database has in use.
 * @returns what is wrong, in a sentence a file; what LevelDB says by itself when it opens (a missing file, a wrong MANIFEST) is not in it
 */
export async function tableDamage(directory: string): Promise<string[]> {
  const damage: string[] = [];
  for (const number of await tablesInUse(directory)) {
    const name = `${String(number).padStart(6, '0')}.ldb`;
    const file = await readIfThere(join(directory, name));
    const wrong = file && wrongIn(file);
    if (wrong) damage.push(`${name} is damaged: ${wrong}`);
  }
  return damage;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Numbers of the tables that the MANIFEST names: what else lies there was left by a crash, and LevelDB removes it unread. */
async function tablesInUse(directory: string): Promise<ReadonlySet<number>> {
  const tables = new Set<number>();
  const current = await readIfThere(join(directory, 'CURRENT'));
  const name = current?.toString('latin1').trim() ?? '';
  const manifest = /^MANIFEST-\d+$/.test(name) ? await readIfThere(join(directory, name)) : undefined;
  for (const record of manifest ? logRecords(manifest) : []) applyEdit(new Cursor(record), tables);
  return tables;
}

/** One version edit (LevelDB's version_edit.cc): a tag before each field. */
function applyEdit(edit: Cursor, tables: Set<number>): void {
  while (!edit.done) {
    const tag = edit.varint();
    if (tag === 1) edit.slice();
    else if (tag === 2 || tag === 3 || tag === 4 || tag === 9) edit.varint();
    else if (tag === 5) {
      edit.varint();
      edit.slice();
    } else if (tag === 6) {
      edit.varint();
      tables.delete(edit.varint());
    } else if (tag === 7) {
      edit.varint();
      tables.add(edit.varint());
      edit.varint();
      edit.slice();
      edit.slice();
    } else return;
  }
}

function wrongIn(file: Buffer): string | undefined {
  try {
    if (file.length < footerBytes || file.readBigUInt64LE(file.length - 8) !== magic) return 'it has no end';
    const footer = new Cursor(file, file.length - footerBytes);
    const [meta, index] = [placeOf(footer), placeOf(footer)];
    for (const directory of [meta, index]) {
      for (const place of entriesOf(checkedBlock(file, directory))) checkBlock(file, place);
    }
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

function placeOf(from: Cursor): Place {
  return { offset: from.varint(), size: from.varint() };
}

/** @returns the block's compression: 0 none, 1 Snappy */
function checkBlock(file: Buffer, { offset, size }: Place): number {
  const whole = new Cursor(file, offset).take(size + trailerBytes);
  if (maskedCrc(whole.subarray(0, size + 1)) !== whole.readUInt32LE(size + 1)) {
    throw new RangeError(`the checksum of the block at byte ${offset} is wrong`);
  }
  return whole.readUInt8(size);
}

function checkedBlock(file: Buffer, place: Place): Buffer {
  const compression = checkBlock(file, place);
  const bytes = file.subarray(place.offset, place.offset + place.size);
  return compression === 1 ? unsnappy(bytes) : bytes;
}

/** The places that a block of places (the index, the meta index) names. */
function entriesOf(block: Buffer): Place[] {
  const restarts = block.readUInt32LE(block.length - 4);
  const entries = new Cursor(block.subarray(0, block.length - 4 * (restarts + 1)));
  const places: Place[] = [];
  while (!entries.done) {
    // Bytes of the key shared with the one before, then the rest's length, then the value's.
    entries.varint();
    const keyBytes = entries.varint();
    const valueBytes = entries.varint();
    entries.take(keyBytes);
    places.push(placeOf(new Cursor(entries.take(valueBytes))));
  }
  return places;
}
