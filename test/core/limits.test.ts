import assert from 'node:assert/strict';
import test from 'node:test';
import { CubeError } from '../../src/core/errors.ts';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';

function refused(changes: Record<string, string | number>): string {
  try {
    limitsWith(changes);
  } catch (error) {
    assert.ok(error instanceof CubeError);
    assert.equal(error.code, 'usage');
    return error.message;
  }
  return 'taken';
}

test('limits are changed by number and by text, and the rest stays', () => {
  const limits = limitsWith({ slotsMax: 5, stopGraceMs: ' 250 ', restartJitter: '0.5', poolThreadsMax: 0 });
  assert.deepEqual([limits.slotsMax, limits.stopGraceMs, limits.restartJitter, limits.poolThreadsMax], [5, 250, 0.5, 0]);
  assert.equal(limits.bodyBytesMax, limitsDefault.bodyBytesMax);
  assert.deepEqual(limitsWith({}), limitsDefault);
});

test('limits cannot be changed once they are in force', () => {
  assert.ok(Object.isFrozen(limitsDefault));
  assert.ok(Object.isFrozen(limitsWith({ slotsMax: 1 })));
});

test('a limit that does not exist is refused with the one that was meant', () => {
  assert.equal(refused({ slotMax: 1 }), 'there is no limit "slotMax"; did you mean "slotsMax"?');
  assert.equal(refused({ zzzzzzzz: 1 }), 'there is no limit "zzzzzzzz"');
  assert.match(refused({ constructor: 1 }), /^there is no limit "constructor"/);
});

test('a limit is a number of 0 or more', () => {
  for (const value of ['', ' ', 'x', '-1', '1s', 'Infinity', -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(refused({ slotsMax: value }), `limit slotsMax needs a number of 0 or more, not "${value}"`);
  }
});

test('a limit is whole, but for factors and shares, and the error says what to write', () => {
  for (const [name, value] of Object.entries({ startParallelMax: '2.5', bodyBytesMax: 1.5, engineCallMs: '0.1', restartAttempts: 2.5 })) {
    const [below, above] = [Math.floor(Number(value)), Math.ceil(Number(value))];
    assert.throws(() => limitsWith({ [name]: value }), {
      code: 'usage',
      message: `limit ${name} needs a whole number, not "${value}"`,
      hint: `write ${name}=${below} or ${name}=${above}`,
    });
  }
  const factors = {
    epvmBase: 1.2,
    redialBackoff: 1.5,
    replaceBackoff: 1.5,
    restartJitter: 0.25,
    imageDiskPercent: 82.5,
    healthLookBackoff: 1.1,
  };
  assert.deepEqual(limitsWith(factors), { ...limitsDefault, ...factors });
  assert.equal(limitsWith({ bodyBytesMax: '1e6' }).bodyBytesMax, 1_000_000);
});

test('every limit whose default is a fraction may be one', () => {
  for (const [name, value] of Object.entries(limitsDefault))
    assert.equal(limitsWith({ [name]: value })[name as keyof typeof limitsDefault], value);
});

test('every limit is a number that says its unit or what it counts', () => {
  for (const [name, value] of Object.entries(limitsDefault)) {
    assert.ok(Number.isFinite(value) && value >= 0, name);
    assert.match(name, /^[a-z][A-Za-z]+$/);
  }
});
