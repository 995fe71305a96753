/** What every kind of link must do, whatever carries it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Frame } from '../../src/ports/transport.ts';
import { listenTo, managerFrames, numbered, numbersOf, report, workerFrames } from '../transport/fixtures.ts';
import { dialing, misbehaviour } from './link-faults.ts';
import { limits, turn, type Connect, type LinkHarness, type Make } from './link-harness.ts';

export type { LinkHarness } from './link-harness.ts';

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
