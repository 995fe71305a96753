/** What every kind of link must do, whatever carries it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { limitsWith, type Limits } from '../../src/core/limits.ts';
import { CubeError, type ErrorCode } from '../../src/core/errors.ts';
import type { Dialer, Frame, Link } from '../../src/ports/transport.ts';
import { listenTo, managerFrames, numbered, numbersOf, report, workerFrames } from '../transport/fixtures.ts';

/** One kind of link, ready to be tried. */
export interface LinkHarness {
  readonly dialer: Dialer;
  /** Opens a link; `near` is the dialling end. Nobody listens to either yet. */
  connect(): Promise<{ readonly near: Link; readonly far: Link }>;
  /** Addresses by what a dial to them meets. */
  readonly urls: {
    readonly good: string;
    readonly dead: string;
    readonly silent: string;
    readonly unauthorized: string;
    readonly forbidden: string;
  };
  close(): Promise<void>;
}

type Make = (limits: Limits) => Promise<LinkHarness>;

/** Small bounds, so that tests reach them. */
const limits = limitsWith({
  frameBytesMax: 1_048_576,
  linkBufferBytesMax: 4 * 1_048_576,
  linkInboxMax: 100,
  linkBatchFramesMax: 64,
  dialMs: 200,
  linkCloseMs: 200,
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

/** Runs the suite over one kind of link. */
export function linkContract(name: string, make: Make): void {
  describe(`a ${name} link`, () => {
    let harness: LinkHarness;
    before(async () => {
      harness = await make(limits);
    });
    after(() => harness.close());
    const connect = () => harness.connect();

    delivery(connect);
    closing(connect);
    misbehaviour(connect);
    dialing(() => harness);
  });
}

type Connect = LinkHarness['connect'];

function delivery(connect: Connect): void {
  test('carries every frame of both ends, whole', async () => {
    const { near, far } = await connect();
    const [nearEar, farEar] = [listenTo(near), listenTo(far)];
    for (const frame of workerFrames) near.send(frame);
    for (const frame of managerFrames) far.send(frame);
    assert.deepEqual(await farEar.heard(workerFrames.length), workerFrames);
    assert.deepEqual(await nearEar.heard(managerFrames.length), managerFrames);
    near.close('done');
  });

  test('keeps the order of frames sent in one turn, more than one message holds', async () => {
    const { near, far } = await connect();
    const ear = listenTo(far);
    const sent = Array.from({ length: 1_000 }, (_, i) => i);
    for (const i of sent) near.send(numbered(i));
    assert.deepEqual(numbersOf(await ear.heard(1_000)), sent);
    near.close('done');
  });

  test('keeps the order of frames sent over many turns, big ones among them', async () => {
    const { near, far } = await connect();
    const ear = listenTo(far);
    for (let i = 0; i < 300; i++) {
      if (i % 50 === 0) near.send({ type: 'data', stream: i, items: ['x'.repeat(300_000)] });
      else near.send(numbered(i));
      if (i % 7 === 0) await turn();
    }
    const order = (await ear.heard(300)).map((frame) =>
      frame.type === 'data' ? frame.stream : frame.type === 'resync' ? frame.revision : -1,
    );
    assert.deepEqual(
      order,
      Array.from({ length: 300 }, (_, i) => i),
    );
    near.close('done');
  });

  test('shares nothing between its ends', async () => {
    const { near, far } = await connect();
    const ear = listenTo(far);
    const labels = { team: 'web' };
    const frame: Frame = { type: 'call', call: 1, what: { kind: 'submit', event: labels } };
    near.send(frame);
    await turn();
    labels.team = 'changed';
    const [got] = await ear.heard(1);
    assert.notEqual(got, frame);
    assert.deepEqual(got, { type: 'call', call: 1, what: { kind: 'submit', event: { team: 'web' } } });
    near.close('done');
  });

  test('keeps frames that come before anybody listens', async () => {
    const { near, far } = await connect();
    const nearEar = listenTo(near);
    for (let i = 0; i < 50; i++) near.send(numbered(i));
    far.send({ type: 'beat' });
    await nearEar.heard(1);
    for (let i = 0; i < 20; i++) await turn();
    for (let i = 50; i < 60; i++) near.send(numbered(i));
    const ear = listenTo(far);
    assert.deepEqual(
      numbersOf(await ear.heard(60)),
      Array.from({ length: 60 }, (_, i) => i),
    );
    near.close('done');
  });

  test('skips frames of a type that it does not know', async () => {
    const { near, far } = await connect();
    const ear = listenTo(far);
    near.send(numbered(1));
    near.send({ type: 'teleport', to: 'mars' } as never);
    near.send(numbered(2));
    assert.deepEqual(numbersOf(await ear.heard(2)), [1, 2]);
    assert.deepEqual(ear.closes, []);
    near.close('done');
  });

  test('carries many frames while both ends talk', async () => {
    const { near, far } = await connect();
    const nearEar = listenTo(near);
    const farEar = listenTo(far, (frame) => far.send(frame));
    for (let i = 0; i < 20_000; i++) {
      near.send(i % 10 === 0 ? { type: 'reports', reports: [report] } : numbered(i));
      if (i % 500 === 0) await turn();
    }
    await farEar.heard(20_000);
    const echoed = await nearEar.heard(20_000);
    assert.ok(echoed.every((frame, i) => (i % 10 === 0 ? frame.type === 'reports' : frame.type === 'resync' && frame.revision === i)));
    near.close('done');
  });
}

function closing(connect: Connect): void {
  test('tells both ends why it was closed, once, after the frames before', async () => {
    const { near, far } = await connect();
    const [nearEar, farEar] = [listenTo(near), listenTo(far)];
    for (let i = 0; i < 100; i++) near.send(numbered(i));
    near.close('moving house');
    near.close('again');
    assert.deepEqual(nearEar.closes, [], 'nobody is called back from within close');
    assert.equal(await farEar.closed(), 'moving house');
    assert.equal(farEar.frames.length, 100);
    assert.equal(await nearEar.closed(), 'moving house');
    for (let i = 0; i < 20; i++) await turn();
    assert.deepEqual([nearEar.closes, farEar.closes], [['moving house'], ['moving house']]);
  });

  test('delivers nothing to an end that has closed, and sends nothing from it', async () => {
    const { near, far } = await connect();
    const [nearEar, farEar] = [listenTo(near), listenTo(far)];
    far.send(numbered(1));
    near.close('enough');
    near.send(numbered(2));
    assert.equal(await farEar.closed(), 'enough');
    far.send(numbered(3));
    far.close('too late');
    for (let i = 0; i < 20; i++) await turn();
    assert.deepEqual([nearEar.frames, farEar.frames], [[], []]);
    assert.deepEqual(farEar.closes, ['enough']);
  });

  test('can be closed from within a handler, which then hears no more', async () => {
    const { near, far } = await connect();
    const ear = listenTo(near);
    const farEar = listenTo(far, () => far.close('one is enough'));
    for (let i = 0; i < 10; i++) near.send(numbered(i));
    assert.equal(await ear.closed(), 'one is enough');
    assert.equal(await farEar.closed(), 'one is enough');
    assert.deepEqual(numbersOf(farEar.frames), [0]);
  });

  test('tells an end that listens late what came and that it is over', async () => {
    const { near, far } = await connect();
    const nearEar = listenTo(near);
    near.send(numbered(1));
    near.close('short visit');
    await nearEar.closed();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const ear = listenTo(far);
    assert.equal(await ear.closed(), 'short visit');
    assert.deepEqual(numbersOf(ear.frames), [1]);
  });

  test('both ends may close at once', async () => {
    const { near, far } = await connect();
    const [nearEar, farEar] = [listenTo(near), listenTo(far)];
    near.close('from near');
    far.close('from far');
    assert.equal(await nearEar.closed(), 'from near');
    assert.equal(await farEar.closed(), 'from far');
  });

  test('takes handlers only once', async () => {
    const { near } = await connect();
    listenTo(near);
    assert.throws(() => listenTo(near), /handlers already/);
    near.close('done');
  });
}

function misbehaviour(connect: Connect): void {
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

function dialing(harness: () => LinkHarness): void {
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
