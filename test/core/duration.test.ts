import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';

test('durations are read with their units, added up, in any case', () => {
  const cases: Record<string, number> = {
    '250ms': 250,
    '5s': 5_000,
    '5S': 5_000,
    ' 5 s ': 5_000,
    '1h30m': 5_400_000,
    '1h 30m': 5_400_000,
    '1.5h': 5_400_000,
    '2d': 172_800_000,
    '0': 0,
    '0s': 0,
  };
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text);
});

test('a number without a unit, an unknown unit and anything else is no duration', () => {
  const wrong = [
    '',
    ' ',
    '5',
    '5.5',
    '-5s',
    '5 bananas',
    '1h banana',
    '1banana 5s',
    '5s 1x',
    '1h30',
    's',
    '1e3s',
    '1_000s',
    '1,5h',
    '5s;',
    '1 constructor',
    'Infinity',
    'NaN s',
  ];
  for (const text of wrong) assert.equal(parseDuration(text), undefined, text);
});

test('durations are shown in at most two units', () => {
  const cases: [number, string][] = [
    [0, '0ms'],
    [850, '850ms'],
    [999.6, '1s'],
    [1_000, '1s'],
    [59_999, '1m'],
    [200_000, '3m 20s'],
    [3_600_000, '1h'],
    [90_061_000, '1d 1h'],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test('what is shown can be read again, and is less than a thirtieth off', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 10 }), (ms) => {
      const read = parseDuration(formatDuration(ms));
      assert.ok(read !== undefined && Math.abs(read - ms) <= Math.max(500, ms / 30), `${ms} -> ${formatDuration(ms)} -> ${read}`);
    }),
  );
});
