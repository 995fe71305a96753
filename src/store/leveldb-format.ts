/**
 * Pieces of LevelDB's file format, as far as checking its checksums needs them. Sources: LevelDB's doc/table_format.md and
 * doc/log_format.md, and Snappy's format_description.txt.
 */

/** CRC-32C (Castagnoli, reflected 0x82f63b78), which zlib has not. */
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** LevelDB's checksum of bytes: CRC-32C, turned and shifted by a constant, so that a CRC over data with CRCs in it stays sound. */
export function maskedCrc(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = crcTable[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  crc ^= -1;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Reads on and on through bytes. @throws RangeError past their end */
export class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  /** Seven bits a byte, lowest first; numbers of a file's size stay far below 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new RangeError(`${length} bytes at ${this.at} lie past the end`);
    return this.bytes.subarray(this.at, (this.at += length));
  }

  /** Bytes with their length before them. */
  slice(): Buffer {
    return this.take(this.varint());
  }
}

/** Undoes Snappy. @throws RangeError for bytes that Snappy did not make */
export function unsnappy(bytes: Buffer): Buffer {
  const from = new Cursor(bytes);
  const out = Buffer.alloc(from.varint());
  let end = 0;
  while (!from.done) {
    const tag = from.byte();
    const high = tag >>> 2;
    if ((tag & 3) === 0) {
      const length = 1 + (high < 60 ? high : little(from, high - 59));
      if (end + length > out.length) throw new RangeError('there is more than was announced');
      end += from.take(length).copy(out, end);
      continue;
    }
    const short = (tag & 3) === 1;
    const length = short ? (high & 7) + 4 : high + 1;
    const back = short ? (tag >>> 5) * 256 + from.byte() : little(from, (tag & 3) === 2 ? 2 : 4);
    if (back === 0 || back > end || end + length > out.length) throw new RangeError('a copy lies outside');
    // One byte at a time: a copy may overlap what it makes.
    for (let i = 0; i < length; i++, end++) out[end] = out[end - back]!;
  }
  if (end !== out.length) throw new RangeError(`${end} bytes instead of ${out.length}`);
  return out;
}

function little(from: Cursor, length: number): number {
  return from.take(length).readUIntLE(0, length);
}

const logBlockBytes = 32_768;
const logHeaderBytes = 7;

/** The records of a file in log format (a MANIFEST is one), up to the first that is torn or wrong. */
export function logRecords(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let parts: Buffer[] = [];
  for (let at = 0; at + logHeaderBytes <= file.length;) {
    const left = logBlockBytes - (at % logBlockBytes);
    if (left < logHeaderBytes) {
      at += left;
      continue;
    }
    const length = file.readUInt16LE(at + 4);
    const type = file.readUInt8(at + 6);
    const end = at + logHeaderBytes + length;
    if (end > file.length || maskedCrc(file.subarray(at + 6, end)) !== file.readUInt32LE(at)) break;
    // Types: 1 whole, 2 first, 3 middle, 4 last part.
    if (type <= 2) parts = [];
    parts.push(file.subarray(at + logHeaderBytes, end));
    if (type === 1 || type === 4) records.push(Buffer.concat(parts));
    at = end;
  }
  return records;
}
