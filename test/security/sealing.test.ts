/** Sealing: only the right key opens what was sealed, under the name it was sealed for, and only as it was. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { CubeError } from '../../src/core/errors.ts';
import { openSealing, sealerOf } from '../../src/security/sealing.ts';

const content = Buffer.from('what nobody may know');
const sealer = sealerOf(new Uint8Array(32).fill(1));
const code = (wanted: string) => (error: CubeError) => error.code === wanted;

function keyFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cube-sealing-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'secrets.key');
}

test('what was sealed opens again, whatever it is, and is not in what was sealed', () => {
  for (const each of [content, Buffer.alloc(0), Buffer.from([0, 255, 10]), Buffer.alloc(512_000, 7)]) {
    const sealed = sealer.seal('secret/db/00000001', each);
    assert.deepEqual(Buffer.from(sealer.open('secret/db/00000001', sealed)), each);
    assert.ok(each.byteLength < 8 || !Buffer.from(sealed.data).includes(each));
  }
});

test('the same content is sealed differently each time', () => {
  const [one, other] = [sealer.seal('a', content), sealer.seal('a', content)];
  assert.notDeepEqual(one.iv, other.iv);
  assert.notDeepEqual(one.data, other.data);
});

test('another key does not open it', () => {
  const sealed = sealer.seal('a', content);
  assert.throws(() => sealerOf(new Uint8Array(32).fill(2)).open('a', sealed), code('sealed'));
});

test('a flipped bit anywhere is found', () => {
  const sealed = sealer.seal('a', content);
  for (const part of ['iv', 'tag', 'data'] as const) {
    for (let at = 0; at < sealed[part].byteLength; at++) {
      const changed = Uint8Array.from(sealed[part]);
      changed[at]! ^= 1;
      assert.throws(() => sealer.open('a', { ...sealed, [part]: changed }), code('sealed'), `${part} ${at}`);
    }
  }
});

test('a part that is cut short, or no bytes at all, is refused as sealed', () => {
  const sealed = sealer.seal('a', content);
  for (const part of ['iv', 'tag', 'data'] as const) {
    for (const length of [0, 4, sealed[part].byteLength - 1]) {
      assert.throws(() => sealer.open('a', { ...sealed, [part]: sealed[part].subarray(0, length) }), code('sealed'), `${part} ${length}`);
    }
    assert.throws(() => sealer.open('a', { ...sealed, [part]: undefined as never }), code('sealed'), part);
  }
});

test('swapped records do not open: each is bound to its kind, name and version', () => {
  const sealed = sealer.seal('secret/db/00000001', content);
  for (const other of ['secret/db/00000002', 'secret/web/00000001', 'config/db/00000001', ''])
    assert.throws(() => sealer.open(other, sealed), code('sealed'), other);
});

test('a digest tells equal contents from others, and needs the key', () => {
  assert.equal(sealer.digest('a', content), sealer.digest('a', content));
  const others = [sealer.digest('b', content), sealer.digest('a', Buffer.from('x')), sealerOf(new Uint8Array(32)).digest('a', content)];
  for (const other of others) assert.notEqual(sealer.digest('a', content), other);
});

test('a key of another length is refused', () => {
  assert.throws(() => sealerOf(new Uint8Array(16)), RangeError);
});

test('the key file is made at first use, private and whole, and is the key from then on', (t) => {
  const path = keyFile(t);
  const said: string[] = [];
  const first = openSealing(path, (message) => void said.push(message));
  assert.equal(first.hasKey, false);
  assert.equal(existsSync(path), false);
  const sealed = first.seal('a', content);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(Buffer.from(readFileSync(path, 'utf8'), 'base64').byteLength, 32);
  assert.deepEqual(readdirSync(join(path, '..')), ['secrets.key']);
  const second = openSealing(path, (message) => void said.push(message));
  assert.equal(second.hasKey, true);
  assert.deepEqual(Buffer.from(second.open('a', sealed)), content);
  assert.deepEqual(said, []);
});

test('of two that make the key at once one wins, and both have it', (t) => {
  const path = keyFile(t);
  const [one, other] = [openSealing(path, () => undefined), openSealing(path, () => undefined)];
  assert.deepEqual([one.hasKey, other.hasKey], [false, false]);
  const sealed = one.seal('a', content);
  assert.deepEqual(Buffer.from(other.open('a', sealed)), content);
  assert.deepEqual(Buffer.from(one.open('b', other.seal('b', content))), content);
});

test('without its file nothing opens, and no key is made for it', (t) => {
  const path = keyFile(t);
  assert.throws(() => openSealing(path, () => undefined).open('a', sealer.seal('a', content)), code('sealed'));
  assert.equal(existsSync(path), false);
});

test('a file that holds no key is told of and left as it is', (t) => {
  for (const text of ['', 'short\n', `${Buffer.alloc(33).toString('base64')}\n`]) {
    const path = keyFile(t);
    writeFileSync(path, text, { mode: 0o600 });
    const said: string[] = [];
    const broken = openSealing(path, (message) => void said.push(message));
    assert.equal(broken.hasKey, false);
    assert.throws(() => broken.seal('a', content), code('failed'));
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.match(said[0]!, /holds no key/);
  }
});

test('a key that others could read is closed to them, and that is told', (t) => {
  const path = keyFile(t);
  openSealing(path, () => undefined).seal('a', content);
  chmodSync(path, 0o644);
  const said: string[] = [];
  assert.equal(openSealing(path, (message) => void said.push(message)).hasKey, true);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.match(said.join(), /could be read by others \(mode 644\)/);
});

test('a key that cannot be written seals nothing', (t) => {
  const path = join(keyFile(t), 'missing', 'secrets.key');
  assert.throws(() => openSealing(path, () => undefined).seal('a', content), code('failed'));
});
