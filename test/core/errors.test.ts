import assert from 'node:assert/strict';
import test from 'node:test';
import { asCubeError, CubeError, errorBody, isErrorCode, problem, type ErrorCode } from '../../src/core/errors.ts';

const codes: ErrorCode[] = [
  'usage',
  'invalid-file',
  'not-found',
  'conflict',
  'unauthorized',
  'forbidden',
  'busy',
  'timeout',
  'unreachable',
  'too-large',
];

test('codes have the exit codes and statuses of the contract', () => {
  const rows = Object.fromEntries(codes.map((code) => [code, [problem(code, 'x').row.exit, problem(code, 'x').row.status]]));
  assert.deepEqual(rows, {
    usage: [2, 400],
    'invalid-file': [2, 400],
    'not-found': [4, 404],
    conflict: [5, 409],
    unauthorized: [6, 401],
    forbidden: [6, 403],
    busy: [3, 429],
    timeout: [124, 504],
    unreachable: [3, 503],
    'too-large': [2, 413],
  });
});

test('an error tells what to do next, by the table or better', () => {
  assert.match(problem('busy', 'full').hint, /try again/);
  assert.equal(problem('busy', 'full', { hint: 'go home' }).hint, 'go home');
});

test('an error becomes JSON without what it does not have', () => {
  assert.deepEqual(errorBody(problem('busy', 'full', { hint: 'wait' })), { error: { code: 'busy', message: 'full', hint: 'wait' } });
  const at = { file: 'f', line: 1, column: 2 };
  assert.deepEqual(errorBody(problem('invalid-file', 'm', { hint: 'h', at, problems: [{ message: 'm', at }] })).error, {
    code: 'invalid-file',
    message: 'm',
    hint: 'h',
    at,
  });
  const problems = [{ message: 'a' }, { message: 'b' }];
  assert.deepEqual(errorBody(problem('invalid-file', 'm', { problems })).error.problems, problems);
});

test('whatever is thrown becomes an error of the table and keeps its cause', () => {
  const own = problem('conflict', 'x');
  assert.equal(asCubeError(own), own);
  const foreign = new TypeError('boom');
  const made = asCubeError(foreign);
  assert.deepEqual([made.code, made.message, made.cause], ['failed', 'boom', foreign]);
  assert.deepEqual(
    [asCubeError('text', 'engine-error').code, asCubeError('text').message, asCubeError(undefined).message],
    ['engine-error', 'text', 'undefined'],
  );
  assert.ok(made instanceof CubeError && made instanceof Error);
  assert.equal(made.name, 'CubeError');
});

test('only codes of the table are codes', () => {
  for (const code of codes) assert.ok(isErrorCode(code));
  for (const other of ['', 'constructor', 'toString', 'Busy', 5, null, undefined, {}])
    assert.ok(!isErrorCode(other), JSON.stringify(other));
});
