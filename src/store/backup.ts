/**
 * Backup files, format 1. They describe themselves, and each can be read as a stream:
 *
 * 1. the line `cube backup 1`;
 * 2. a line of JSON: `BackupHeader`;
 * 3. each record: length of its stored key and of its bytes (4 bytes each, big-endian), the key in UTF-8, the bytes in the store's
 *    own codec, with their version and CRC. The store's marks are not among them: a restored store begins its own chain;
 * 4. four bytes 0xff, then a line of JSON: how many records there are, how many were left out because they were damaged in the
 *    store, and the SHA-256 of all bytes before that line, with both numbers behind them (`32 0`).
 *
 * A later format changes the number in the first line, and reads this one.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { problem } from '../core/errors.ts';
import type { CubeError } from '../core/errors.ts';
import type { Epoch } from '../core/events.ts';
import type { BackupAbout, Kind } from '../ports/store.ts';
import { createCodec } from './codec.ts';
import type { Codec } from './codec.ts';
import type { DiskHandle, Entry } from './disk.ts';
import { everything, partsOf, storedKey } from './keys.ts';
import type { Head } from './marks.ts';

const format = 1;
const magic = 'cube backup ';
const newline = 0x0a;
const endMark = 0xffff_ffff;
/** No record is that large: a length above it is damage, and must not be waited for. */
const recordBytesMax = 256 * 1_048_576;
const lineBytesMax = 65_536;
const chunkBytes = 65_536;

/** Whose state it is, and of when. */
export interface BackupHeader {
  /** Cube's version that made it. */
  readonly cube: string;
  readonly clusterId: string;
  readonly epoch: Epoch;
  /** The last commit in it. */
  readonly revision: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** What a whole, undamaged backup holds. */
export interface BackupSummary extends BackupHeader {
  readonly records: number;
  /** Records that were damaged in the store when it was made. */
  readonly leftOut: number;
  readonly bytes: number;
}

/** A record of a backup, in the form of today. */
export interface BackupRecord {
  readonly kind: Kind;
  readonly key: string;
  readonly value: unknown;
}

/** The bytes of a backup of what a disk holds now. @param chunkMax records read in one step */
export async function* writeBackup(disk: DiskHandle, codec: Codec, chunkMax: number, about: BackupAbout): AsyncGenerator<Uint8Array> {
  const sum = createHash('sha256');
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let records = 0;
  let leftOut = 0;
  const add = (...parts: readonly Buffer[]): void => {
    for (const part of parts) {
      sum.update(part);
      waiting.push(part);
      waitingBytes += part.length;
    }
  };
  const taken = (): Buffer => {
    const all = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    return all;
  };
  let begun = false;
  const begin = (first: Entry | undefined): void => {
    begun = true;
    const { clusterId, epoch, version, createdAt } = about;
    const header: BackupHeader = {
      cube: version,
      clusterId,
      epoch,
      revision: revisionOf(codec, first),
      createdAt: new Date(createdAt).toISOString(),
    };
    add(Buffer.from(`${magic}${format}\n${JSON.stringify(header)}\n`));
  };
  // One read over all of it, and so one snapshot. The head comes first in the order of the keys.
  for await (const chunk of disk.read(everything, chunkMax)) {
    if (!begun) begin(chunk[0]);
    for (const [stored, bytes] of chunk) {
      const parts = partsOf(stored);
      if (parts === undefined) continue;
      if (!codec.decode(parts.kind, parts.key, bytes).ok) {
        leftOut++;
        continue;
      }
      const key = Buffer.from(stored);
      add(lengths(key.length, bytes.length), key, bytes);
      records++;
    }
    if (waitingBytes >= chunkBytes) yield taken();
  }
  if (!begun) begin(undefined);
  add(lengths(endMark));
  const trailer = trailerLine(records, leftOut, sum.update(`${records} ${leftOut}`).digest('hex'));
  yield Buffer.concat([taken(), Buffer.from(trailer)]);
}

function lengths(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * at);
  return bytes;
}

function trailerLine(records: number, leftOut: number, sha256: string): string {
  return `${JSON.stringify({ records, leftOut, sha256 })}\n`;
}

/** The last commit, from the head; 0 where there is none. */
function revisionOf(codec: Codec, first: Entry | undefined): number {
  if (first?.[0] !== storedKey('head', '')) return 0;
  const head = codec.decode('head', '', first[1]);
  return head.ok ? (head.value as Head).revision : 0;
}

/**
 * Reads a backup. What `take` was given counts only when this settles: damage may be found at the very end.
 * @param name of the file, for the errors
 * @throws CubeError `invalid-file` for what is no backup, was cut short or is damaged; `data-newer` for one that a newer Cube wrote
 */
export async function readBackup(
  source: AsyncIterable<Uint8Array>,
  name: string,
  take: (record: BackupRecord) => Promise<void> | void,
): Promise<BackupSummary> {
  const reader = new Reader(source, name);
  try {
    return await readAll(reader, take);
  } finally {
    await reader.close();
  }
}

async function readAll(reader: Reader, take: (record: BackupRecord) => Promise<void> | void): Promise<BackupSummary> {
  const codec = createCodec();
  await checkMagic(reader);
  const header = headerOf(reader, await reader.line('its header'));
  let records = 0;
  for (;;) {
    const keyBytes = (await reader.take(4, 'a record')).readUInt32BE();
    if (keyBytes === endMark) break;
    const valueBytes = (await reader.take(4, 'a record')).readUInt32BE();
    if (keyBytes > lineBytesMax || valueBytes > recordBytesMax) throw reader.damaged(`the length of record ${records + 1} cannot be right`);
    const stored = (await reader.take(keyBytes, 'a record')).toString('utf8');
    const bytes = await reader.take(valueBytes, 'a record');
    const parts = partsOf(stored);
    if (parts === undefined) throw reader.damaged(`record ${records + 1} is of no known kind`);
    const decoded = codec.decode(parts.kind, parts.key, bytes);
    if (!decoded.ok) throw reader.damaged(decoded.damage);
    await take({ ...parts, value: decoded.value });
    records++;
  }
  const sum = reader.sum();
  const line = await reader.line('its last line');
  const leftOut = Number(/"leftOut":(\d{1,15})/.exec(line)?.[1] ?? 0);
  const sha256 = sum.update(`${records} ${leftOut}`).digest('hex');
  if (`${line}\n` !== trailerLine(records, leftOut, sha256)) throw reader.damaged('its checksum is wrong');
  await reader.end();
  return { ...header, records, leftOut, bytes: reader.bytes };
}

async function checkMagic(reader: Reader): Promise<void> {
  const start = (await reader.take(magic.length, 'its first line')).toString('latin1');
  if (start !== magic) throw reader.wrong('it is no backup of Cube');
  const number = await reader.line('its first line');
  if (!/^\d{1,6}$/.test(number)) throw reader.damaged('its first line is wrong');
  if (Number(number) > format) {
    throw problem('data-newer', `${reader.name} was made by a newer Cube: it has format ${number}, this Cube reads up to ${format}`, {
      hint: 'restore it with the Cube that made it, or a newer one',
    });
  }
  if (Number(number) < 1) throw reader.damaged('its first line is wrong');
}

function headerOf(reader: Reader, line: string): BackupHeader {
  let header: Partial<BackupHeader> | null;
  try {
    header = JSON.parse(line) as Partial<BackupHeader> | null;
  } catch (thrown) {
    throw reader.damaged('its header cannot be read', thrown);
  }
  const { cube, clusterId, epoch, revision, createdAt } = header ?? {};
  const isWhole =
    typeof cube === 'string' &&
    typeof clusterId === 'string' &&
    Number.isSafeInteger(epoch?.generation) &&
    Number.isSafeInteger(epoch?.revision) &&
    Number.isSafeInteger(revision) &&
    typeof createdAt === 'string';
  if (!isWhole) throw reader.damaged('its header is not whole');
  return { cube, clusterId, epoch: epoch!, revision: revision!, createdAt };
}

/** Takes bytes off a stream, and counts and sums them. */
class Reader {
  readonly name: string;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #sum = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>, name: string) {
    this.name = name;
    this.#source = source[Symbol.asyncIterator]();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** SHA-256 of all that was taken so far. */
  sum(): Hash {
    return this.#sum.copy();
  }

  async take(count: number, of: string): Promise<Buffer> {
    const parts = [this.#rest];
    let have = this.#rest.length;
    while (have < count) {
      const next = await this.#source.next();
      if (next.done) throw this.#tooShort(Buffer.concat(parts), of);
      parts.push(Buffer.from(next.value));
      have += next.value.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts);
    this.#rest = all.subarray(count);
    return this.#took(all.subarray(0, count));
  }

  /** A line, without its end. */
  async line(of: string): Promise<string> {
    for (;;) {
      const at = this.#rest.indexOf(newline);
      if (at !== -1) return (await this.take(at + 1, of)).toString('utf8', 0, at);
      if (this.#rest.length > lineBytesMax) throw this.damaged(`${of} has no end`);
      const next = await this.#source.next();
      if (next.done) throw this.#tooShort(this.#rest, of);
      this.#rest = Buffer.concat([this.#rest, next.value]);
    }
  }

  /** Refuses more. */
  async end(): Promise<void> {
    let more = this.#rest.length;
    while (more === 0) {
      const next = await this.#source.next();
      if (next.done) return;
      more = next.value.length;
    }
    throw this.damaged('there is more behind its end');
  }

  /** Lets the source go, wherever it is. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  refused(why: string, cause?: unknown, hint = 'take another backup'): CubeError {
    return problem('invalid-file', `${this.name} cannot be restored: ${why}`, { hint: `${hint}; nothing was changed`, cause });
  }

  /** For a file that never was a backup. */
  wrong(why: string): CubeError {
    return this.refused(why, undefined, 'name a file that `cube backup` wrote');
  }

  damaged(why: string, cause?: unknown): CubeError {
    return this.refused(`it is damaged: ${why}`, cause);
  }

  /** @param rest all that is there behind what was taken */
  #tooShort(rest: Buffer, of: string): CubeError {
    if (this.#bytes === 0 && rest.length === 0) return this.wrong('it is empty');
    if (this.#bytes === 0 && !magic.startsWith(rest.toString('latin1'))) return this.wrong('it is no backup of Cube');
    return this.refused(`it was cut short: it ends within ${of}, after ${this.#bytes + rest.length} bytes`);
  }

  #took(bytes: Buffer): Buffer {
    this.#sum.update(bytes);
    this.#bytes += bytes.length;
    return bytes;
  }
}
