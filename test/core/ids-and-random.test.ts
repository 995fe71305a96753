import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { containerName, jobNamePattern, shortId, slotName, taskNamePattern } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';

test('slots count from 1 behind a dot that no task name has', () => {
  assert.equal(slotName('shop.v2', 'web', 2), 'shop.v2/web.2');
  assert.ok(jobNamePattern.test('shop.v2'));
  assert.ok(!taskNamePattern.test('web.2'));
});

test('names are 1 to 63 characters and start with a letter or digit', () => {
  for (const pattern of [jobNamePattern, taskNamePattern]) {
    for (const name of ['a', '0', 'A_b-c', 'x'.repeat(63)]) assert.ok(pattern.test(name), name);
    for (const name of ['', '-a', '_a', '.a', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(64)])
      assert.ok(!pattern.test(name), JSON.stringify(name));
  }
});

test('container names differ by attempt, and are names that Docker takes', () => {
  const id = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
  assert.equal(containerName({ job: 'shop', task: 'web', index: 2, id }, 3), 'cube-shop-web-2-3f2504e04f89-3');
  assert.equal(shortId(id), '3f2504e0');
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/);
  fc.assert(
    fc.property(name, name, fc.uuid(), fc.nat(), fc.nat(), (job, task, uuid, index, attempt) => {
      assert.match(containerName({ job, task, index, id: uuid }, attempt), /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);
    }),
  );
});

test('a seed gives the same numbers again, another seed others', () => {
  const take = (seed: number): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => random());
  };
  assert.deepEqual(take(7), take(7));
  assert.notDeepEqual(take(7), take(8));
  assert.equal(new Set(take(0)).size, 20);
});

test('numbers lie in [0, 1) and spread over it', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed);
      const buckets = [0, 0, 0, 0];
      for (let count = 0; count < 400; count++) {
        const number = random();
        assert.ok(number >= 0 && number < 1);
        buckets[Math.floor(number * 4)]!++;
      }
      assert.ok(
        buckets.every((count) => count > 40),
        buckets.join(' '),
      );
    }),
  );
});
