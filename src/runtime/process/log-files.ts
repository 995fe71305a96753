/** The output of one process: two files that it appends to itself, kept small, with the times at which they grew. */
import { appendFileSync, closeSync, openSync, readFileSync, readSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogChunk } from '../../ports/runtime.ts';
import { codeOf } from '../code-of.ts';

/** stdout or stderr. */
export type StreamName = LogChunk['stream'];

const names: readonly StreamName[] = ['stdout', 'stderr'];

/** By this time the streams had grown this far. Offsets count from the first byte ever written. */
interface Mark {
  readonly at: number;
  readonly stdout: number;
  readonly stderr: number;
}

/** Where the two files of a stream begin: `NAME.1` (what was moved away last) and `NAME`. */
interface Base {
  readonly old: number;
  readonly current: number;
}

/** What was read, and the offset of its first byte: later than asked for when that part is kept no more. */
export interface Piece {
  readonly from: number;
  readonly bytes: Buffer;
}

const pieceBytes = 65_536;

/**
 * All of it is synchronous, so that nothing is moved while it is read: the files are local and the pieces small. The
 * process appends (O_APPEND) to a file that is cut to nothing after its end was copied away; what it writes between the
 * two is lost.
 */
export class LogFiles {
  readonly #folder: string;
  readonly #fileBytesMax: number;
  readonly #marksMax: number;
  #bases: Record<StreamName, Base> = { stdout: { old: 0, current: 0 }, stderr: { old: 0, current: 0 } };
  #marks: Mark[] = [];

  /** Reads what an earlier node left of times and offsets. */
  constructor(folder: string, limits: { readonly logFileBytesMax: number; readonly logMarksMax: number }) {
    this.#folder = folder;
    this.#fileBytesMax = Math.max(1, limits.logFileBytesMax);
    this.#marksMax = Math.max(2, limits.logMarksMax);
    const bases = this.#textOf('bases.json');
    if (bases !== '') this.#bases = JSON.parse(bases) as Record<StreamName, Base>;
    for (const line of this.#textOf('times').split('\n').slice(0, -1)) {
      const [at = 0, stdout = 0, stderr = 0] = line.split(' ').map(Number);
      this.#marks.push({ at, stdout, stderr });
    }
  }

  /** Opens a stream's file for a process to append to. @returns a descriptor that the caller closes */
  open(name: StreamName): number {
    return openSync(this.#path(name), 'a', 0o600);
  }

  /** Notes how far the streams are and when they last grew, and moves away what is too long. */
  keep(): void {
    const last = this.#marks.at(-1);
    const [out, err] = [this.#stat('stdout'), this.#stat('stderr')];
    const ends = { stdout: this.#bases.stdout.current + out.size, stderr: this.#bases.stderr.current + err.size };
    if (ends.stdout === (last?.stdout ?? 0) && ends.stderr === (last?.stderr ?? 0)) return;
    this.#mark({ at: Math.max(last?.at ?? 0, out.changedAt, err.changedAt), ...ends });
    for (const name of names) if (ends[name] - this.#bases[name].current > this.#fileBytesMax) this.#rotate(name);
  }

  /** Offset of the first byte that is kept. */
  start(name: StreamName): number {
    return this.#bases[name].old;
  }

  /** Reads some bytes from an offset on; none at the end. */
  read(name: StreamName, offset: number): Piece {
    const base = this.#bases[name];
    const from = Math.max(offset, base.old);
    const isOld = from < base.current;
    const bytes = isOld
      ? this.#bytesOf(`${name}.1`, from - base.old, Math.min(pieceBytes, base.current - from))
      : this.#bytesOf(name, from - base.current, pieceBytes);
    return { from, bytes };
  }

  /** When the byte before `end` was there: as exact as `keep` was called often. @param fallback for what came after the last mark */
  timeOf(name: StreamName, end: number, fallback: number): number {
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#marks[middle]![name] >= end) high = middle;
      else low = middle + 1;
    }
    return this.#marks[low]?.at ?? fallback;
  }

  #mark(mark: Mark): void {
    this.#marks.push(mark);
    if (this.#marks.length > this.#marksMax) {
      // Every second one goes: old times get coarser, and the last one stays exact.
      this.#marks = this.#marks.filter((_, index, all) => (all.length - 1 - index) % 2 === 0);
      this.#replace('times', this.#marks.map(lineOf).join(''));
      return;
    }
    appendFileSync(this.#path('times'), lineOf(mark), { mode: 0o600 });
  }

  #rotate(name: StreamName): void {
    const { current } = this.#bases[name];
    const { size } = this.#stat(name);
    const kept = Math.min(size, this.#fileBytesMax);
    this.#replace(`${name}.1`, this.#bytesOf(name, size - kept, kept));
    truncateSync(this.#path(name), 0);
    this.#bases = { ...this.#bases, [name]: { old: current + size - kept, current: current + size } };
    this.#replace('bases.json', JSON.stringify(this.#bases));
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #replace(name: string, content: string | Buffer): void {
    writeFileSync(this.#path(`${name}.new`), content, { mode: 0o600 });
    renameSync(this.#path(`${name}.new`), this.#path(name));
  }

  #stat(name: string): { size: number; changedAt: number } {
    const found = statSync(this.#path(name), { throwIfNoEntry: false });
    return { size: found?.size ?? 0, changedAt: Math.floor(found?.mtimeMs ?? 0) };
  }

  #textOf(name: string): string {
    try {
      return readFileSync(this.#path(name), 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return '';
      throw error;
    }
  }

  #bytesOf(name: string, position: number, length: number): Buffer {
    let file: number;
    try {
      file = openSync(this.#path(name), 'r');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
      throw error;
    }
    try {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, position));
    } finally {
      closeSync(file);
    }
  }
}

function lineOf({ at, stdout, stderr }: Mark): string {
  return `${at} ${stdout} ${stderr}\n`;
}
