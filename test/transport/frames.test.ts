import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { checkFrame, frameTypes } from '../../src/core/frames.ts';
import { decodeMessage, encodeFrames, encodeWithin } from '../../src/transport/codec.ts';
import { managerFrames, order, report, workerFrames } from './fixtures.ts';

function bad(frame: unknown, from?: 'worker' | 'manager'): string {
  const verdict = checkFrame(frame, from);
  assert.equal(verdict.is, 'bad', inspect(frame));
  return verdict.is === 'bad' ? verdict.why : '';
}

test('every frame of both ends is good, before and after it was encoded', () => {
  for (const frame of workerFrames) assert.deepEqual(checkFrame(frame, 'worker'), { is: 'good' });
  for (const frame of managerFrames) assert.deepEqual(checkFrame(frame, 'manager'), { is: 'good' });
  const all = [...workerFrames, ...managerFrames];
  const decoded = decodeMessage(encodeFrames(all)) as unknown[];
  assert.deepEqual(decoded, all);
  for (const frame of decoded) assert.deepEqual(checkFrame(frame), { is: 'good' });
});

test('the samples leave no frame type out', () => {
  const seen = new Set([...workerFrames, ...managerFrames].map((frame) => frame.type));
  assert.deepEqual([...seen].toSorted(), [...frameTypes].toSorted());
});

test('a frame with more fields than this version knows is good', () => {
  for (const frame of [...workerFrames, ...managerFrames]) assert.equal(checkFrame({ ...frame, later: { x: 1 } }).is, 'good');
  assert.equal(checkFrame({ type: 'reports', reports: [{ ...report, later: true }] }).is, 'good');
  assert.equal(
    checkFrame({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 0, revision: 1, orders: [{ ...order, later: 1 }], forget: [] })
      .is,
    'good',
  );
});

test('a frame of a later version is told apart from a bad one', () => {
  assert.deepEqual(checkFrame({ type: 'teleport', to: 7 }), { is: 'unknown', type: 'teleport' });
  assert.deepEqual(checkFrame({ type: 'constructor' }), { is: 'unknown', type: 'constructor' });
  assert.match(bad({ type: 'x'.repeat(65) }), /without a type/);
});

test('what is no frame at all is bad', () => {
  for (const value of [null, undefined, 7, 'beat', [], ['beat'], {}, { type: 7 }, { type: null }, new Map([['type', 'beat']])]) bad(value);
});

test('an end takes only what the other end may send', () => {
  for (const frame of workerFrames.filter((each) => !['beat', 'data', 'grant', 'end'].includes(each.type))) {
    assert.match(bad(frame, 'manager'), /a manager does not send/);
  }
  assert.match(bad(managerFrames[2], 'worker'), /a worker does not send "assignments"/);
});

test('a wrong field is named with its place', () => {
  assert.match(bad({ type: 'reports', reports: [report, { ...report, sequence: -1 }] }), /reports\.1: sequence/);
  assert.match(bad({ type: 'reports', reports: {} }), /reports: not a list/);
  assert.match(bad({ type: 'reports', reports: [null] }), /reports\.0: not an object/);
  assert.match(
    bad({ type: 'delta', epoch: { generation: 1, revision: 1 }, base: 0, revision: 1, orders: [{ ...order, id: 7 }], forget: [] }),
    /orders\.0\.id/,
  );
});

test('reports with wrong states, numbers or texts are bad', () => {
  const wrong: readonly object[] = [
    { id: '' },
    { id: 7 },
    { state: 'pending' },
    { state: 'unreachable' },
    { state: 'flying' },
    { health: 'well' },
    { sequence: 1.5 },
    { sequence: Number.NaN },
    { sequence: 10n },
    { attempt: '1' },
    { restarts: -1 },
    { exitCode: 'zero' },
    { startedAt: Number.POSITIVE_INFINITY },
    { reason: 7 },
    { containerId: {} },
    { digest: 7 },
    { hasCheck: 'yes' },
  ];
  for (const fields of wrong) {
    bad({ type: 'reports', reports: [{ ...report, ...fields }] });
    bad({ ...workerFrames[0], reports: [{ ...report, ...fields }] });
  }
});

test('an order may have a health check and need not name a stop signal; a check that makes no sense is bad', () => {
  const { stopSignal: _stopSignal, ...spec } = order.spec;
  const times = { intervalMs: 1_000, timeoutMs: 500, retries: 3, startPeriodMs: 0 };
  const ordered = (health: unknown): unknown => ({
    type: 'delta',
    epoch: { generation: 1, revision: 1 },
    base: 0,
    revision: 1,
    orders: [{ ...order, spec: { ...spec, health } }],
    forget: [],
  });
  const checks = [
    { probe: { kind: 'http', path: '/', statuses: [{ from: 200, to: 399 }] }, ...times },
    { probe: { kind: 'tcp', port: 80 }, ...times },
    { probe: { kind: 'exec', command: ['true'] }, ...times },
  ];
  for (const good of [undefined, 'none', ...checks]) assert.deepEqual(checkFrame(ordered(good)), { is: 'good' });
  const wrong = [
    'off',
    null,
    times,
    { ...checks[0], retries: 0 },
    { ...checks[0], intervalMs: 0 },
    { ...checks[0], timeoutMs: Number.NaN },
    { probe: { kind: 'ping' }, ...times },
    { probe: { kind: 'tcp' }, ...times },
    { probe: { kind: 'exec', command: [] }, ...times },
  ];
  for (const health of wrong) assert.match(bad(ordered(health)), /orders\.0\.spec\.health/, inspect(health));
});

test('numbers that are none are refused wherever they are calculated with', () => {
  const used = { cpu: 1, memoryBytes: 1, diskBytes: 1, custom: {} };
  bad({ type: 'beat', usage: { at: 'now', used } });
  bad({ type: 'beat', usage: { at: 1 } });
  bad({ type: 'beat', usage: 7 });
  const measured = { id: 't1', cpu: 0.5, memoryBytes: 5, networkInBytes: null, networkOutBytes: 7 };
  assert.match(bad({ type: 'beat', usage: null, tasks: [measured, { ...measured, cpu: undefined }] }), /tasks\.1: cpu is neither/);
  assert.match(bad({ type: 'beat', usage: null, tasks: [{ ...measured, memoryBytes: null }] }), /memoryBytes is no number/);
  assert.match(bad({ type: 'beat', usage: null, tasks: [{ ...measured, networkInBytes: 'a lot' }] }), /networkInBytes is neither/);
  assert.match(bad({ type: 'beat', usage: null, tasks: [{ ...measured, id: 1 }] }), /id is no text/);
  assert.match(bad({ type: 'beat', usage: null, tasks: {} }), /not a list/);
  bad({ type: 'beat', usage: null, engineAway: true });
  bad({ type: 'beat', usage: { at: 1, used: { ...used, cpu: Number.NaN } } });
  bad({ type: 'beat', usage: { at: 1, used: { ...used, custom: { gpu: 'one' } } } });
  bad({ type: 'beat', usage: { at: 1, used: { ...used, custom: null } } });
  bad({ type: 'acks', acks: [{ id: 'a', sequence: null }] });
  bad({ type: 'acks', acks: [{ id: 7, sequence: 1 }] });
  bad({ type: 'grant', stream: 1, bytes: Number.POSITIVE_INFINITY });
  bad({ type: 'grant', stream: 1, bytes: -5 });
  bad({ type: 'grant', stream: 'one', bytes: 5 });
  bad({ type: 'data', stream: 1, items: 'abc' });
  bad({ type: 'end', stream: 1, message: 7 });
  bad({ type: 'bye', backMs: -1 });
  bad({ type: 'resync', revision: 2 ** 60 });
});

test('orders are checked down to what a runtime uses', () => {
  const wrong: readonly object[] = [
    { env: { A: 1 } },
    { command: 'sleep 60' },
    { command: [1] },
    { image: undefined },
    { ports: [{ container: '80', protocol: 'tcp' }] },
    { ports: [{ container: 80, protocol: 'sctp' }] },
    { resources: { cpu: 'all' } },
    { restart: { on: 'sometimes' } },
    { stopGraceMs: null },
  ];
  for (const fields of wrong) {
    const orders = [{ ...order, spec: { ...order.spec, ...fields } }];
    bad({ type: 'assignments', epoch: { generation: 1, revision: 1 }, revision: 1, orders, verdicts: [] });
  }
});

test('no decoded value makes the check throw', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...frameTypes, 'other'),
      fc.dictionary(fc.constantFrom('reports', 'usage', 'orders', 'epoch', 'items', 'facts', 'what', 'stream'), fc.anything()),
      (type, fields) => {
        assert.ok(['good', 'bad', 'unknown'].includes(checkFrame({ ...fields, type }).is));
      },
    ),
  );
});

test('any bytes decode or throw, and what decodes can be walked', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      let message: unknown;
      try {
        message = decodeMessage(bytes);
      } catch (error) {
        assert.ok(error instanceof Error);
        return;
      }
      if (Array.isArray(message)) for (const frame of message as unknown[]) checkFrame(frame);
    }),
    { numRuns: 2_000 },
  );
});

test('a value that points at itself is not decoded', () => {
  // [ {id 1: ["x", pointer to 1]} ] in msgpackr's structured clone extension.
  const bytes = Uint8Array.from([0x91, 0xd6, 0x69, 0, 0, 0, 1, 0x92, 0xa1, 0x78, 0xd6, 0x70, 0, 0, 0, 1]);
  assert.throws(() => decodeMessage(bytes), /disabled/);
});

test('a key that would change a prototype stays a plain key', () => {
  // [ { "__proto__": { "admin": true } } ] as plain msgpack maps.
  const key = [...Buffer.from('__proto__')];
  const bytes = Uint8Array.from([0x91, 0x81, 0xa9, ...key, 0x81, 0xa5, ...Buffer.from('admin'), 0xc3]);
  const [value] = decodeMessage(bytes) as [Record<string, unknown>];
  assert.equal(value['admin'], undefined);
  assert.equal(({} as Record<string, unknown>)['admin'], undefined);
});

test('each message can be read without the ones before it, whatever shapes they had', () => {
  const messages = Array.from({ length: 300 }, (_, i) =>
    encodeFrames([{ ...report, [`key${i}`]: i, type: 'call' } as never, ...workerFrames]),
  );
  for (const [i, message] of messages.toReversed().entries()) {
    const [first, ...rest] = decodeMessage(message) as [Record<string, unknown>, ...unknown[]];
    assert.equal(first[`key${299 - i}`], 299 - i);
    assert.deepEqual(rest, workerFrames);
  }
});

test('one message holds more shapes of objects than there are record numbers', () => {
  const env = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`V${i}`, { [`k${i}`]: i, [`l${i}`]: { [`m${i}`]: 1 } }]));
  const frame = { type: 'call' as const, call: 1, what: { kind: 'submit' as const, event: env } };
  assert.deepEqual(decodeMessage(encodeFrames([frame, frame])), [frame, frame]);
});

test('a list of frames is split so that no message is too big, and order holds', () => {
  const frames = Array.from({ length: 50 }, (_, i) => ({ type: 'end' as const, stream: i, message: 'x'.repeat(200) }));
  const messages = encodeWithin(frames, 1_000);
  assert.ok(messages.length > 10);
  assert.ok(messages.every((message) => message.length <= 1_000));
  assert.deepEqual(
    messages.flatMap((message) => decodeMessage(message) as unknown[]),
    frames,
  );
  assert.throws(() => encodeWithin(frames, 100), /frame "end" of \d+ bytes is above frameBytesMax \(100\)/);
  assert.deepEqual(encodeWithin([], 10), []);
});
