import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type LogOptions } from '../../src/ambient/log.ts';
import { problem } from '../../src/core/errors.ts';
import type { Log } from '../../src/ports/ambient.ts';

/** What a log writes while `use` works with it. */
function written(use: (log: Log) => void, options: Partial<LogOptions> = {}): string[] {
  const lines: string[] = [];
  use(createLog({ level: 'debug', write: (line) => lines.push(line), ...options }));
  return lines;
}

/** The fields of the one line that is written. */
function fieldsOf(fields: Record<string, unknown>, message = 'x'): Record<string, unknown> {
  const [line, ...more] = written((log) => log.info(message, fields));
  assert.equal(more.length, 0);
  return JSON.parse(line as string) as Record<string, unknown>;
}

test('a call writes one JSON line with time, level, message and fields', () => {
  const lines = written((log) => log.warn('disk is slow', { ms: 12, path: '/data' }));
  assert.equal(lines.length, 1);
  assert.ok(lines[0]?.endsWith('}\n'));
  const { time, ...rest } = JSON.parse(lines[0] as string) as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, { level: 'warn', message: 'disk is slow', ms: 12, path: '/data' });
});

test('lines below the level are not written', () => {
  const all = (log: Log) => (['debug', 'info', 'warn', 'error'] as const).forEach((level) => log[level](level));
  const levels = (level: LogOptions['level']) => written(all, { level }).map((line) => (JSON.parse(line) as { level: string }).level);
  assert.deepEqual(levels('debug'), ['debug', 'info', 'warn', 'error']);
  assert.deepEqual(levels('info'), ['info', 'warn', 'error']);
  assert.deepEqual(levels('error'), ['error']);
});

test('secrets are masked by name, at any depth and in any case', () => {
  const secret = 'hunter2-hunter2';
  const fields = {
    token: secret,
    joinToken: secret,
    CUBE_TOKEN: secret,
    password: secret,
    ticket: secret,
    env: { MODE: secret },
    Env: [`MODE=${secret}`],
    request: { headers: { Authorization: `Bearer ${secret}` }, list: [{ deep: { clientSecret: secret } }] },
    bytes: { secret: Buffer.from(secret) },
    map: new Map([['password', secret]]),
  };
  const line = written((log) => log.error('refused', fields)).join('');
  assert.ok(!line.includes(secret), line);
  assert.ok(!line.includes(Buffer.from(secret).toString('base64')), line);
  assert.equal((JSON.parse(line) as { env: unknown }).env, '[masked]');
});

test('credentials in texts are masked: in the message, in URLs, in errors', () => {
  const lines = written((log) => {
    log.info('GET /v1/inspect?ticket=abc123&x=1 Bearer abc123');
    log.info('x', { url: 'ws://127.0.0.1/v1/inspect?token=abc123', address: new URL('http://a/?x=1&password=abc123') });
    log.info('x', { error: new Error('fetch http://a/?ticket=abc123 failed', { cause: new Error('bearer abc123') }) });
  }).join('');
  assert.ok(!lines.includes('abc123'), lines);
  assert.match(lines, /\?ticket=\[masked\]&x=1 Bearer \[masked\]/);
});

test('numbers, flags and the environment as part of another name are no secrets', () => {
  const fields = { ticketsMax: 5, tokenExpired: true, token: null, environmentId: 'e1', envelope: 'v' };
  const { time, level, message, ...rest } = fieldsOf(fields);
  assert.deepEqual(rest, fields);
  assert.ok(time && level && message);
});

test('the fields that were given stay as they were', () => {
  const fields = Object.freeze({ token: 'a', nested: Object.freeze({ password: 'b' }) });
  fieldsOf(fields);
  assert.deepEqual(fields, { token: 'a', nested: { password: 'b' } });
});

test('errors are written with message, stack, code and cause', () => {
  const { error } = fieldsOf({ error: problem('busy', 'too many', { cause: new Error('disk') }) }) as { error: Record<string, unknown> };
  assert.equal(error.name, 'CubeError');
  assert.equal(error.message, 'too many');
  assert.equal(error.code, 'busy');
  assert.match(String(error.stack), /log\.test/);
  assert.equal((error.cause as Error).message, 'disk');
});

test('whatever it is given, it writes a line and does not throw', () => {
  const ring: Record<string, unknown> = { name: 'ring' };
  ring.self = ring;
  const error = new Error('loops');
  error.cause = error;
  const deep = Array.from({ length: 50 }).reduce<unknown>((inner) => ({ inner }), 'bottom');
  const fields = {
    ring,
    error,
    deep,
    big: 10n,
    none: undefined,
    nothing: null,
    symbol: Symbol('s'),
    run: function run() {},
    date: new Date(0),
    badDate: new Date(Number.NaN),
    set: new Set([1, 2]),
    bytes: new Uint8Array(3),
    nan: Number.NaN,
  };
  const line = fieldsOf(fields);
  assert.deepEqual(line.ring, { name: 'ring', self: '[circular]' });
  assert.equal((line.error as { cause: unknown }).cause, '[circular]');
  assert.equal(line.big, '10');
  assert.equal(line.date, '1970-01-01T00:00:00.000Z');
  assert.equal(line.badDate, 'Invalid Date');
  assert.deepEqual(line.set, [1, 2]);
  assert.equal(line.bytes, '[3 bytes]');
  assert.equal(line.run, '[function run]');
  assert.match(JSON.stringify(line.deep), /\[deeper\]/);
});

test('the same thing twice is no circle', () => {
  const shared = { a: 1 };
  const line = fieldsOf({ first: shared, list: [shared, shared] });
  assert.deepEqual([line.first, line.list], [{ a: 1 }, [{ a: 1 }, { a: 1 }]]);
});

test("a field cannot pass for the line's own", () => {
  const line = fieldsOf({ level: 'error', message: 'forged', time: 'never' }, 'true one');
  assert.equal(line.level, 'info');
  assert.equal(line.message, 'true one');
  assert.equal(line.message_, 'forged');
});

test('a message with newlines or format marks stays one line and stays as it is', () => {
  const lines = written((log) => log.info('a %s\nb %d', { n: 1 }));
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1);
  assert.equal((JSON.parse(lines.join('')) as { message: string }).message, 'a %s\nb %d');
});

test('pretty lines are for people, and masked all the same', () => {
  const lines = written(
    (log) => {
      log.info('node is ready', { url: 'http://127.0.0.1:5555', name: 'my node', token: 'abc123', tasks: 3 });
      log.error('it failed', { error: new Error('disk is gone') });
    },
    { pretty: true },
  );
  assert.match(
    lines[0] as string,
    /^\d\d:\d\d:\d\d\.\d{3} info {2}node is ready {2}url=http:\/\/127\.0\.0\.1:5555 {2}name="my node" {2}token=\[masked\] {2}tasks=3\n$/,
  );
  assert.match(lines[1] as string, / error it failed {2}error="disk is gone"\nError: disk is gone\n {4}at /);
});
