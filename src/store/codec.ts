/**
 * A record as bytes: 1 byte codec format, 1 byte version of its kind, 6 bytes number of its commit, the value as MessagePack,
 * 4 bytes CRC-32 (zlib's) over the stored key and all the bytes before. The key is part of it so that a value under a wrong
 * key is noticed. In every later format the last 4 bytes stay that CRC and the first byte the format.
 */
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import type { Options } from 'msgpackr';
import { problem } from '../core/errors.ts';
import { storedKey } from './keys.ts';
import type { RecordKind } from './keys.ts';
import { recordVersions } from './versions.ts';
import type { KindVersions } from './versions.ts';

const format = 1;
const headerBytes = 8;
const crcBytes = 4;

/** A record that was read, or in a sentence what is wrong with its bytes. */
export type Decoded =
  | { readonly ok: true; readonly value: unknown; readonly revision: number }
  | { readonly ok: false; readonly damage: string };

/** Turns records into bytes and back. */
export interface Codec {
  /**
   * A record's bytes. Fields that are undefined are left out.
   * @throws CubeError `failed` for a value that cannot be written
   */
  encode(kind: RecordKind, key: string, value: unknown, revision: number): Buffer;
  /** A record from its bytes, upgraded to the version of today. @throws CubeError `data-newer` when a newer Cube wrote it */
  decode(kind: RecordKind, key: string, bytes: Buffer): Decoded;
}

/** Codec for a table of versions. @throws CubeError `failed` when the table lacks a step */
export function createCodec(versions: KindVersions = recordVersions): Codec {
  for (const [kind, { version, upgrades }] of Object.entries(versions)) {
    for (let from = 1; from < version; from++) {
      if (!upgrades[from]) throw problem('failed', `records of kind ${kind} have no step from version ${from} to ${from + 1}`);
    }
  }
  // Plain maps and no shared structures: a record can be read by itself, by any MessagePack reader, in any later release.
  // `skipValues` is documented and missing in the library's types.
  const options: Options & { readonly skipValues: readonly unknown[] } = {
    useRecords: false,
    skipValues: [undefined],
    int64AsType: 'number',
  };
  const packr = new Packr(options);

  return {
    encode(kind, key, value, revision) {
      const payload = pack(packr, kind, key, value);
      const bytes = Buffer.allocUnsafe(headerBytes + payload.length + crcBytes);
      bytes.writeUInt8(format, 0);
      bytes.writeUInt8(versions[kind].version, 1);
      bytes.writeUIntBE(revision, 2, 6);
      payload.copy(bytes, headerBytes);
      bytes.writeUInt32BE(checksum(kind, key, bytes), bytes.length - crcBytes);
      return bytes;
    },

    decode(kind, key, bytes) {
      const name = `the record ${kind}/${key}`;
      if (bytes.length < headerBytes + crcBytes) return { ok: false, damage: `${name} is cut short` };
      if (bytes.readUInt32BE(bytes.length - crcBytes) !== checksum(kind, key, bytes))
        return { ok: false, damage: `${name} has a wrong checksum` };
      const [foundFormat, version] = [bytes.readUInt8(0), bytes.readUInt8(1)];
      const known = versions[kind];
      if (foundFormat > format) throw newer(name, `format ${foundFormat}`, `format ${format}`);
      if (version > known.version) throw newer(name, `version ${version}`, `version ${known.version}`);
      if (foundFormat < format || version < 1) return { ok: false, damage: `${name} has no known format` };
      let value: unknown = packr.unpack(bytes.subarray(headerBytes, bytes.length - crcBytes));
      for (let from = version; from < known.version; from++) value = known.upgrades[from]!(value);
      return { ok: true, value, revision: bytes.readUIntBE(2, 6) };
    },
  };
}

function pack(packr: Packr, kind: RecordKind, key: string, value: unknown): Buffer {
  try {
    const bytes = packr.pack(value);
    // The library would read this name back as another one. Rare, so that the bytes are searched before the value is.
    if (bytes.includes('__proto__') && hasProto(value)) throw new TypeError('a field cannot be called __proto__');
    return bytes;
  } catch (cause) {
    throw problem('failed', `the record ${kind}/${key} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto);
}

function checksum(kind: RecordKind, key: string, bytes: Buffer): number {
  return crc32(bytes.subarray(0, bytes.length - crcBytes), crc32(storedKey(kind, key)));
}

function newer(name: string, found: string, known: string): Error {
  return problem('data-newer', `${name} was written by a newer Cube: it has ${found}, this Cube reads up to ${known}`);
}
