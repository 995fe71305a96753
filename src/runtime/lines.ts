/** Cuts a stream of bytes into lines of text. */
import { StringDecoder } from 'node:string_decoder';

/**
 * Gathers bytes until a line is whole. Characters that lie over the border of two pieces stay whole, and a line longer than
 * the bound is handed out in parts, so that output without newlines cannot fill the memory.
 */
export class LineCutter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #lineCharsMax: number;
  #rest = '';

  /** @param lineCharsMax characters of one line that are held back while its end is awaited */
  constructor(lineCharsMax: number) {
    this.#lineCharsMax = Math.max(1, lineCharsMax);
  }

  /** @returns what is whole now: lines with their newlines, or a part of a line that grew too long; `''` when nothing is */
  push(bytes: Buffer): string {
    this.#rest += this.#decoder.write(bytes);
    const end = this.#rest.length > this.#lineCharsMax ? this.#rest.length : this.#rest.lastIndexOf('\n') + 1;
    const whole = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    return whole;
  }

  /** @returns what is left: a last line without its newline, or `''` */
  end(): string {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest;
  }
}
