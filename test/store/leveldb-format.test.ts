import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor, logRecords, maskedCrc, unsnappy } from '../../src/store/leveldb-format.ts';

/** LevelDB's mask, undone (util/crc32c.h). */
function unmask(masked: number): number {
  const turned = (masked - 0xa282ead8) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

test('the checksum is CRC-32C: the vectors of RFC 3720 and the usual one', () => {
  assert.equal(unmask(maskedCrc(Buffer.from('123456789'))), 0xe3069283);
  assert.equal(unmask(maskedCrc(Buffer.alloc(32))), 0x8a9136aa);
  assert.equal(unmask(maskedCrc(Buffer.alloc(32, 0xff))), 0x62a8ab43);
  assert.equal(unmask(maskedCrc(Uint8Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
});

test('numbers of variable length are read as they were written', () => {
  const cursor = new Cursor(Buffer.from([0, 127, 128, 1, 0xac, 2, 0xff, 0xff, 0xff, 0xff, 0x0f]));
  assert.deepEqual(
    [cursor.varint(), cursor.varint(), cursor.varint(), cursor.varint(), cursor.varint()],
    [0, 127, 128, 300, 4_294_967_295],
  );
  assert.equal(cursor.done, true);
  assert.throws(() => cursor.varint(), RangeError);
  assert.throws(() => new Cursor(Buffer.from([5, 1])).slice(), RangeError);
});

test('Snappy: literals of all lengths and copies of all three kinds, overlapping ones too', () => {
  const cases: readonly [number[], string][] = [
    [[0], ''],
    [[3, 0x08, 97, 98, 99], 'abc'],
    // A literal, then a copy with an offset of 11 bits: 3 back, 7 long, so that it overlaps itself.
    [[10, 0x08, 97, 98, 99, 0x0d, 3], 'abcabcabca'],
    // A copy with an offset of 16 bits: 1 back, 5 long.
    [[6, 0x00, 122, 0x12, 1, 0], 'zzzzzz'],
    // A copy with an offset of 32 bits.
    [[4, 0x04, 120, 121, 0x07, 2, 0, 0, 0], 'xyxy'],
    // A literal whose length is in the next byte, and one whose length is in the next two.
    [[62, 0xf0, 61, ...Buffer.alloc(62, 'q')], 'q'.repeat(62)],
    [[0xac, 2, 0xf4, 0x2b, 1, ...Buffer.alloc(300, 'r')], 'r'.repeat(300)],
  ];
  for (const [bytes, text] of cases) assert.equal(unsnappy(Buffer.from(bytes)).toString(), text);
});

test('Snappy: bytes that do not fit are refused', () => {
  const wrong = [
    [4, 0x08, 97, 98, 99],
    [1, 0x08, 97, 98, 99],
    [9, 0x08, 97, 98, 99, 0x0d, 4],
    [9, 0x08, 97, 98, 99, 0x0d, 0],
    [3, 0x08, 97],
  ];
  for (const bytes of wrong) assert.throws(() => unsnappy(Buffer.from(bytes)), RangeError);
});

function logFile(...parts: readonly (readonly [type: number, data: Buffer])[]): Buffer {
  return Buffer.concat(
    parts.map(([type, data]) => {
      const record = Buffer.alloc(7 + data.length);
      record.writeUInt16LE(data.length, 4);
      record.writeUInt8(type, 6);
      data.copy(record, 7);
      record.writeUInt32LE(maskedCrc(record.subarray(6)), 0);
      return record;
    }),
  );
}

test('a log gives whole records and those in parts, over the edge of a block too', () => {
  const filling = Buffer.alloc(32_768 - 7 - 7 - 2 - 3, 'f');
  // What is left of the block, three bytes, is too short for a header and is passed over.
  const file = Buffer.concat([
    logFile([1, Buffer.from('ab')], [2, filling]),
    Buffer.alloc(3),
    logFile([3, Buffer.from('m')], [4, Buffer.from('e')]),
  ]);
  assert.deepEqual(logRecords(file).map(String), ['ab', `${filling.toString()}me`]);
});

test('a log ends at its first torn or wrong record', () => {
  const file = logFile([1, Buffer.from('one')], [1, Buffer.from('two')], [1, Buffer.from('three')]);
  const read = (bytes: Buffer): string[] => logRecords(bytes).map(String);
  assert.deepEqual(read(file.subarray(0, -1)), ['one', 'two']);
  const wrong = Buffer.from(file);
  wrong[17] = wrong[17]! ^ 1;
  assert.deepEqual(read(wrong), ['one']);
  assert.deepEqual(read(Buffer.alloc(0)), []);
});
