import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCodec } from '../../src/store/codec.ts';
import type { Decoded } from '../../src/store/codec.ts';
import { boundsOf, keyOf, markKey, sortText, storedKey } from '../../src/store/keys.ts';
import { recordVersions } from '../../src/store/versions.ts';

const codec = createCodec();

function valueOf(decoded: Decoded): unknown {
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.damage);
  return decoded.value;
}

test('any JSON value, under any key, comes back as it was', () => {
  const json = fc
    .jsonValue({ maxDepth: 4 })
    .map((value) => JSON.stringify(value))
    .filter((text) => !text.includes('__proto__'))
    .map((text) => JSON.parse(text) as unknown);
  const key = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(json, key, fc.nat({ max: 2 ** 48 - 1 }), (value, name, revision) => {
      const decoded = codec.decode('task', name, codec.encode('task', name, value, revision));
      assert.deepEqual(valueOf(decoded), value);
      assert.ok(decoded.ok && decoded.revision === revision);
    }),
  );
});

test('a field called __proto__ is refused, the word elsewhere is not', () => {
  const harm = JSON.parse('{"env": [{"__proto__": "x"}]}') as unknown;
  assert.throws(() => codec.encode('job', 'shop', harm, 1), { code: 'failed', message: /job\/shop cannot be written.*__proto__/ });
  const fine = { text: '__proto__', ['my__proto__']: ['__proto__'] };
  assert.deepEqual(valueOf(codec.decode('job', 'shop', codec.encode('job', 'shop', fine, 1))), fine);
});

test('a record of one byte changed, one byte less or one byte more is noticed', () => {
  const bytes = codec.encode('job', 'shop', { name: 'shop', count: 3 }, 7);
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 2, 16, 128]) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ bit;
      assert.deepEqual(codec.decode('job', 'shop', changed), { ok: false, damage: 'the record job/shop has a wrong checksum' });
    }
    assert.equal(codec.decode('job', 'shop', bytes.subarray(0, at)).ok, false);
  }
  assert.equal(codec.decode('job', 'shop', Buffer.concat([bytes, Buffer.from([0])])).ok, false);
  assert.deepEqual(codec.decode('job', 'shop', Buffer.alloc(0)), { ok: false, damage: 'the record job/shop is cut short' });
});

test('a value under another key or kind is noticed', () => {
  const bytes = codec.encode('task', 'a', { id: 'a' }, 1);
  assert.equal(codec.decode('task', 'b', bytes).ok, false);
  assert.equal(codec.decode('job', 'a', bytes).ok, false);
  assert.equal(codec.decode('task', 'a', bytes).ok, true);
});

test('the layout of a record is the one that earlier releases wrote', () => {
  // Written by 0.1.0. If this fails, data directories of that release can be read no more.
  const written = '010100000000002a82a26964a161a16effb39d8555';
  assert.equal(codec.encode('task', 'a', { id: 'a', n: -1 }, 42).toString('hex'), written);
  assert.deepEqual(valueOf(codec.decode('task', 'a', Buffer.from(written, 'hex'))), { id: 'a', n: -1 });
});

test('a table of versions without a step on the way is refused when the codec is made', () => {
  const gap = { ...recordVersions, job: { version: 3, upgrades: { 1: (value: unknown) => value } } };
  assert.throws(() => createCodec(gap), { code: 'failed', message: /kind job have no step from version 2 to 3/ });
});

test('every kind of this release has a version that the codec takes', () => {
  for (const kind of Object.keys(recordVersions) as (keyof typeof recordVersions)[]) {
    assert.deepEqual(valueOf(codec.decode(kind, 'k', codec.encode(kind, 'k', { kind }, 1))), { kind });
  }
});

test('stored keys of a kind lie together, and apart from every other kind', () => {
  const kinds = Object.keys(recordVersions) as (keyof typeof recordVersions)[];
  for (const kind of kinds) {
    const { gte, lt } = boundsOf(kind);
    for (const other of kinds) {
      for (const key of ['', 'a', ':', '\u{10FFFF}']) {
        const stored = sortText(storedKey(other, key));
        assert.equal(stored >= sortText(gte) && stored < sortText(lt), other === kind, `${stored} in ${kind}`);
      }
    }
  }
});

test('a record key is found again in its stored key', () => {
  for (const kind of ['task', 'mark', 'head'] as const)
    for (const key of ['', 'a:b', ':']) assert.equal(keyOf(kind, storedKey(kind, key)), key);
  assert.ok(markKey(9) < markKey(10) && markKey(99_999) < markKey(Number.MAX_SAFE_INTEGER));
});

test('keys sort as their UTF-8 bytes do', () => {
  const key = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(key, key, (a, b) => {
      const [left, right] = [sortText(a), sortText(b)];
      assert.equal(left < right ? -1 : Number(left > right), Buffer.from(a).compare(Buffer.from(b)));
    }),
  );
});
