import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runName, runSpec, type DispatchInput } from '../../src/core/dispatch.ts';
import { jobNamePattern } from '../../src/core/ids.ts';
import type { JobSpec } from '../../src/core/job.ts';
import { limitsDefault, limitsWith } from '../../src/core/limits.ts';
import { escapePlaceholders, fillPlaceholders } from '../../src/core/placeholders.ts';
import { jobSpec } from '../sim/scripts.ts';

function parent(changes: Partial<JobSpec> = {}, env: Readonly<Record<string, string>> = {}): JobSpec {
  return {
    ...jobSpec('mail', 'parameterized', 'completes:100', 2, { env, command: ['send', '${to}', '$to', '${CUBE_SLOT}'] }),
    ...changes,
  };
}

function dispatched(spec: JobSpec, input: DispatchInput, limits = limitsDefault): JobSpec {
  return runSpec(spec, 'mail-0123abcd', input, limits);
}

const envOf = (spec: JobSpec) => spec.tasks['main']!.env;
const bytes = (text: string) => new TextEncoder().encode(text);

test('a run is a batch job of the same tasks, without what makes its parent a parameterized one', () => {
  const spec = dispatched(parent({ parameters: { to: null }, payload: { file: '/in' }, deadlineMs: 5_000, parallelism: 1 }), {
    set: { to: 'you' },
  });
  assert.deepEqual([spec.name, spec.type, spec.deadlineMs, spec.parallelism], ['mail-0123abcd', 'batch', 5_000, 1]);
  assert.deepEqual([spec.parameters, spec.payload, spec.tasks['main']!.count], [undefined, undefined, 2]);
});

test('values stand in the environment, over what the file says there, and in place of their names in texts', () => {
  const spec = dispatched(parent({}, { to: 'nobody', other: 'stays' }), { set: { to: 'you' } });
  assert.deepEqual(envOf(spec), { to: 'you', other: 'stays' });
  assert.deepEqual(spec.tasks['main']!.command, ['send', 'you', '$to', '${CUBE_SLOT}']);
});

test('what is not set has its default, and an empty value is a value', () => {
  const parameters = { to: 'all', cc: 'nobody', subject: null };
  assert.deepEqual(envOf(dispatched(parent({ parameters }), { set: { subject: '', cc: 'me' } })), { to: 'all', cc: 'me', subject: '' });
});

test('a value that looks like a variable is a text and nothing more', () => {
  for (const value of ['${CUBE_NODE}', '$${CUBE_NODE}', '${to}', '$$', '${CUBE_A:-${CUBE_SLOT}}', 'a ${CUBE_X:-y} ${CUBE_ b}']) {
    const spec = dispatched(parent({ payload: { env: 'TEXT' } }), { set: { to: value }, payload: bytes(value) });
    const worker = { CUBE_NODE: 'n1', CUBE_SLOT: 's', CUBE_A: 'a', CUBE_X: 'x' };
    assert.equal(fillPlaceholders(envOf(spec)['to']!, worker), value);
    assert.equal(fillPlaceholders(envOf(spec)['TEXT']!, worker), value);
    assert.equal(fillPlaceholders(escapePlaceholders(value), worker), value);
  }
});

test('a value that is missing, that nobody knows, or that no variable can hold is refused with what to do', () => {
  const spec = parent({ parameters: { to: null, from: null, subject: 'hello' } });
  const refused = (set: DispatchInput['set'], message: RegExp, of = spec) =>
    assert.throws(() => dispatched(of, { set }), { code: 'usage', message });
  refused({}, /needs to and from$/);
  refused({ to: 'you' }, /needs from$/);
  refused({ to: 'a', from: 'b', subjct: 'c' }, /no parameter "subjct"; did you mean "subject"\?/);
  refused({ x: 'a' }, /no parameter "x"$/, parent({ parameters: {} }));
  refused({ constructor: 'a' }, /no parameter "constructor"/, parent({ parameters: {} }));
  refused({ 'a b': 'c' }, /"a b" is no name/, parent());
  refused({ CUBE_NODE: 'c' }, /CUBE_NODE cannot be set/, parent());
  refused({ to: 'a\0b' }, /zero byte/, parent());
});

test('without a list of parameters anything may be set', () => {
  assert.deepEqual(envOf(dispatched(parent(), { set: { ANYTHING: '1' } })), { ANYTHING: '1' });
});

test('a payload goes where the job says: as text into a variable, as it is into a file', () => {
  const text = '\u{feff}grüße\n';
  assert.deepEqual(envOf(dispatched(parent({ payload: { env: 'TEXT' } }), { set: {}, payload: bytes(text) })), { TEXT: text });
  const filed = dispatched(parent({ payload: { file: '/in' } }), { set: {}, payload: new Uint8Array([0, 255]) });
  assert.deepEqual([filed.payload, envOf(filed)], [{ file: '/in' }, {}]);
  assert.equal(dispatched(parent({ payload: { file: '/in' } }), { set: {} }).payload, undefined, 'without one there is no file');
  assert.deepEqual(envOf(dispatched(parent({ payload: { env: 'TEXT' } }), { set: {}, payload: bytes('') })), { TEXT: '' });
});

test('a payload that the job does not take, that is too large, or that is no text where it must be is refused', () => {
  const give = (changes: Partial<JobSpec>, payload: Uint8Array) => () =>
    dispatched(parent(changes), { set: {}, payload }, limitsWith({ dispatchPayloadBytesMax: 4 }));
  assert.throws(give({}, bytes('x')), { code: 'usage', message: /takes no payload/ });
  assert.throws(give({ payload: { file: '/in' } }, bytes('12345')), { code: 'too-large', message: /5 bytes, and may have 4/ });
  assert.throws(give({ payload: { env: 'T' } }, new Uint8Array([0xc3, 0x28])), { code: 'usage', message: /no text/ });
  assert.throws(give({ payload: { env: 'T' } }, bytes('a\0b')), { code: 'usage', message: /no text/ });
  assert.doesNotThrow(give({ payload: { file: '/in' } }, bytes('1234')));
});

test('values are bounded in all, names included and counted in bytes', () => {
  const limits = limitsWith({ dispatchSetBytesMax: 6 });
  assert.throws(() => dispatched(parent(), { set: { a: 'ü', b: '123' } }, limits), { code: 'too-large' });
  assert.doesNotThrow(() => dispatched(parent(), { set: { a: 'ü', b: '12' } }, limits));
});

test("a run's name is a job name, however long its parent's is", () => {
  assert.equal(runName('mail', '0123abcd'), 'mail-0123abcd');
  assert.match(runName('m'.repeat(63), '0123abcd'), jobNamePattern);
});
