import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatBytes, minus, noResources, parseBytes, plus, type Resources } from '../../src/core/resources.ts';

test('sizes are read in bytes, thousands and 1,024s, in any case', () => {
  const cases: Record<string, number> = {
    '512': 512,
    '512b': 512,
    '1kB': 1_000,
    '1K': 1_000,
    '1KiB': 1_024,
    '128MiB': 134_217_728,
    '128mib': 134_217_728,
    '1.5 GB': 1_500_000_000,
    ' 2 Gi ': 2_147_483_648,
    '1TiB': 2 ** 40,
    '0': 0,
  };
  for (const [text, bytes] of Object.entries(cases)) assert.equal(parseBytes(text), bytes, text);
});

test('what is no size is not guessed at', () => {
  const wrong = [
    '',
    ' ',
    'MiB',
    '12XB',
    '-1',
    '1e3',
    '0x10',
    '1.',
    '.5',
    '1PB',
    '1 MiB 2',
    '1,5GB',
    '99999999999TiB',
    'Infinity',
    '1constructor',
    '1toString',
  ];
  for (const text of wrong) assert.equal(parseBytes(text), undefined, text);
});

test('sizes are shown in 1,024s', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1 KiB'],
    [1_536, '1.5 KiB'],
    [128 * 2 ** 20, '128 MiB'],
    [5_000 * 2 ** 40, '5000 TiB'],
    [-2_048, '-2 KiB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

test('a size shown is read again: exactly in whole units, closely else', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_023 }), fc.integer({ min: 0, max: 4 }), (count, unit) => {
      assert.equal(parseBytes(formatBytes(count * 1_024 ** unit)), count * 1_024 ** unit);
    }),
  );
  fc.assert(
    fc.property(
      fc.maxSafeNat().map((bytes) => Math.floor(bytes / 2)),
      (bytes) => {
        const read = parseBytes(formatBytes(bytes));
        assert.ok(read !== undefined && Math.abs(read - bytes) <= bytes * 0.05, `${bytes} -> ${formatBytes(bytes)} -> ${read}`);
      },
    ),
  );
});

const amount = fc.integer({ min: 0, max: 1_000_000 });
const resources: fc.Arbitrary<Resources> = fc.record(
  {
    cpu: amount,
    memoryBytes: amount,
    diskBytes: amount,
    custom: fc.dictionary(fc.constantFrom('gpu', 'fpga', 'license'), amount, { noNullPrototype: true }),
  },
  { noNullPrototype: true },
);

test('what is added can be taken away again', () => {
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      const back = minus(plus(a, b), b);
      assert.deepEqual([back.cpu, back.memoryBytes, back.diskBytes], [a.cpu, a.memoryBytes, a.diskBytes]);
      for (const name of Object.keys(back.custom)) assert.equal(back.custom[name], a.custom[name] ?? 0);
      assert.deepEqual(plus(a, noResources), a);
    }),
  );
});

test('taking away more than there is goes below nothing', () => {
  assert.deepEqual(minus(noResources, { cpu: 1, memoryBytes: 2, diskBytes: 3, custom: { gpu: 4 } }), {
    cpu: -1,
    memoryBytes: -2,
    diskBytes: -3,
    custom: { gpu: -4 },
  });
});
