/** What every kind of link must do with peers that break the rules, and with dials that fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CubeError, type ErrorCode } from '../../src/core/errors.ts';
import { listenTo, numbered, numbersOf } from '../transport/fixtures.ts';
import { limits, never, turn, type Connect, type LinkHarness } from './link-harness.ts';

/** Bad, slow and failing peers. */
export function misbehaviour(connect: Connect): void {
  test('cuts a peer that sends a bad frame, after the good ones before it', async () => {
    const { near, far } = await connect();
    const [nearEar, farEar] = [listenTo(near), listenTo(far)];
    near.send(numbered(1));
    near.send({ type: 'reports', reports: [{ id: 7 }] } as never);
    near.send(numbered(2));
    assert.match(await farEar.closed(), /a wrong "reports": reports\.0/);
    assert.match(await nearEar.closed(), /a wrong "reports": reports\.0/);
    assert.deepEqual(numbersOf(farEar.frames), [1]);
  });

  test('cuts a peer that sends more than may wait before anybody listens', async () => {
    const { near, far } = await connect();
    const ear = listenTo(near);
    for (let i = 0; i <= limits.linkInboxMax; i++) near.send(numbered(i));
    assert.match(await ear.closed(), /more than 100 frames/);
    const late = listenTo(far);
    assert.match(await late.closed(), /more than 100 frames/);
    assert.deepEqual(late.frames, []);
  });

  test('closes when a handler throws, and the process goes on', async () => {
    const { near, far } = await connect();
    const nearEar = listenTo(near);
    const farEar = listenTo(far, () => {
      throw new Error('a mistake in a handler');
    });
    near.send(numbered(1));
    near.send(numbered(2));
    assert.match(await nearEar.closed(), /failed to handle/);
    await farEar.closed();
    assert.equal(farEar.frames.length, 1);
  });

  test('closes when it is given a frame above the bound, and says which', async () => {
    const { near, far } = await connect();
    const [nearEar, farEar] = [listenTo(near), listenTo(far)];
    near.send({ type: 'data', stream: 1, items: ['x'.repeat(limits.frameBytesMax - 100)] });
    await farEar.heard(1);
    near.send({ type: 'data', stream: 2, items: ['x'.repeat(limits.frameBytesMax)] });
    assert.match(await nearEar.closed(), /a frame "data" of \d+ bytes is above frameBytesMax/);
    assert.match(await farEar.closed(), /a frame "data" of \d+ bytes is above frameBytesMax/);
    assert.equal(farEar.frames.length, 1);
  });

  test('cuts a peer for which too much waits', async () => {
    const { near, far } = await connect();
    const [nearEar, farEar] = [listenTo(near), listenTo(far)];
    // In one turn, so that nothing of it can be read meanwhile; more than the sockets' own buffers hold.
    for (let i = 0; i < 64; i++) near.send({ type: 'data', stream: i, items: ['x'.repeat(1_000_000)] });
    assert.match(await nearEar.closed(), /too slow: \d+ bytes wait/);
    await farEar.closed();
    assert.ok(farEar.frames.length < 64);
  });
}

/** Dials that fail, and ones that are taken back. */
export function dialing(harness: () => LinkHarness): void {
  const refused = async (url: string, code: ErrorCode, message: RegExp) => {
    await assert.rejects(harness().dialer.dial(url, never), (error) => {
      assert.ok(error instanceof CubeError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  };

  test('cannot be opened where nobody listens', () => refused(harness().urls.dead, 'unreachable', /cannot reach .*nothing listens there/));

  test('cannot be opened where nobody answers', () => refused(harness().urls.silent, 'unreachable', /no answer within 200 ms/));

  test('cannot be opened with a credential that is not known', () => refused(harness().urls.unauthorized, 'unauthorized', /./));

  test('cannot be opened with a credential that does not allow it', () => refused(harness().urls.forbidden, 'forbidden', /./));

  test('is not opened when the dial was aborted before', async () => {
    const reason = new Error('changed my mind');
    await assert.rejects(harness().dialer.dial(harness().urls.good, AbortSignal.abort(reason)), reason);
  });

  test('is not opened when the dial is aborted on the way', async () => {
    const controller = new AbortController();
    const dial = harness().dialer.dial(harness().urls.silent, controller.signal);
    const reason = new Error('changed my mind');
    setImmediate(() => controller.abort(reason));
    await assert.rejects(dial, reason);
  });

  test('stays open when the signal of its dial fires afterwards', async () => {
    const controller = new AbortController();
    const link = await harness().dialer.dial(harness().urls.good, controller.signal);
    const ear = listenTo(link);
    controller.abort();
    for (let i = 0; i < 20; i++) await turn();
    assert.deepEqual(ear.closes, []);
    link.close('done');
    assert.equal(await ear.closed(), 'done');
  });
}
