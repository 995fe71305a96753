import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Link } from '../../src/ports/transport.ts';
import { createMemoryNetwork } from '../../src/transport/index.ts';
import { handClock, keptLog, listenTo, numbered, numbersOf, type Ear } from './fixtures.ts';

const limits = limitsWith({ dialMs: 1_000, linkBufferBytesMax: 100_000 });
const never = new AbortController().signal;
const address = 'http://m1:5555';

/** A network with a manager on m1, and workers that dial it. */
function setUp(seed = 1) {
  const clock = handClock();
  const log = keptLog();
  const network = createMemoryNetwork({ clock, random: seededRandom(seed), limits, log });
  const fars: Link[] = [];
  network.listen(address, (link) => void fars.push(link));
  return {
    clock,
    log,
    network,
    /** A link from a worker, with both ends listened to. */
    async open(from = 'w1'): Promise<{ near: Link; far: Link; nearEar: Ear; farEar: Ear }> {
      const dial = network.dialer(from).dial(address, never);
      await clock.advance(limits.dialMs);
      const near = await dial;
      const far = fars.at(-1)!;
      return { near, far, nearEar: listenTo(near), farEar: listenTo(far) };
    },
  };
}

test('nothing moves but by the clock', async () => {
  const { clock, network, open } = setUp();
  const { near, farEar } = await open();
  network.delay(10, 10);
  near.send(numbered(1));
  await clock.advance(9);
  assert.deepEqual(farEar.frames, []);
  await clock.advance(1);
  assert.deepEqual(numbersOf(farEar.frames), [1]);
});

test('the same seed gives the same arrivals, another seed others, and order holds in all', async () => {
  const run = async (seed: number) => {
    const { clock, network, open } = setUp(seed);
    const { near } = await open();
    const second = await open('w2');
    network.delay(0, 50);
    const arrivals: string[] = [];
    const ear = second.farEar;
    for (let i = 0; i < 40; i++) {
      near.send(numbered(i));
      second.near.send(numbered(i));
      await clock.advance(3);
      arrivals.push(`${clock.monotonic()}: ${ear.frames.length}`);
    }
    await clock.advance(200);
    assert.deepEqual(
      numbersOf(ear.frames),
      Array.from({ length: 40 }, (_, i) => i),
    );
    return arrivals;
  };
  assert.deepEqual(await run(7), await run(7));
  assert.notDeepEqual(await run(7), await run(8));
});

test('a frame that is quicker than the one before it waits for it, and hurries it by nothing', async () => {
  const { clock, network, open } = setUp();
  const { near, farEar } = await open();
  network.delay(50, 50);
  near.send(numbered(1));
  await clock.advance(1);
  network.delay(0, 0);
  near.send(numbered(2));
  await clock.advance(48);
  assert.deepEqual(farEar.frames, []);
  await clock.advance(1);
  assert.deepEqual(numbersOf(farEar.frames), [1, 2]);
});

test('a link that is dropped ends at both ends, and what was on its way is lost', async () => {
  const { clock, network, open } = setUp();
  const { near, far, nearEar, farEar } = await open();
  network.delay(5, 5);
  near.send(numbered(1));
  far.send({ type: 'beat' });
  assert.equal(network.drop('w1', 'm1'), 1);
  await clock.advance(100);
  assert.deepEqual([nearEar.closes, farEar.closes], [['the connection was lost'], ['the connection was lost']]);
  assert.deepEqual([nearEar.frames, farEar.frames], [[], []]);
  near.send(numbered(2));
  await clock.advance(100);
  assert.deepEqual(farEar.frames, []);
  assert.equal(network.size, 0);
  assert.equal(network.drop('w1', 'm1'), 0);
});

test('all links of a host can be dropped at once, and only they', async () => {
  const { clock, network, open } = setUp();
  const [one, two, other] = [await open('w1'), await open('w1'), await open('w2')];
  assert.equal(network.size, 3);
  assert.equal(network.drop('w1'), 2);
  await clock.advance(10);
  assert.deepEqual([one.farEar.closes.length, two.farEar.closes.length, other.farEar.closes.length], [1, 1, 0]);
  assert.equal(network.drop('m1'), 1);
});

test('a partition holds everything back, goodbyes too, and healing lets it go in order', async () => {
  const { clock, network, open } = setUp();
  const { near, far, nearEar, farEar } = await open();
  near.send(numbered(1));
  await clock.advance(1);
  network.partition('m1', 'w1');
  near.send(numbered(2));
  await clock.advance(1_000);
  near.send(numbered(3));
  far.send({ type: 'beat' });
  near.close('leaving');
  await clock.advance(60_000);
  assert.deepEqual(nearEar.closes, ['leaving'], 'the end that leaves does not wait');
  assert.deepEqual(numbersOf(farEar.frames), [1]);
  assert.deepEqual(farEar.closes, []);
  network.heal('w1', 'm1');
  await clock.advance(10);
  assert.deepEqual(numbersOf(farEar.frames), [1, 2, 3]);
  assert.deepEqual(farEar.closes, ['leaving']);
});

test('what is on its way when a partition begins waits too', async () => {
  const { clock, network, open } = setUp();
  const { near, farEar } = await open();
  network.delay(20, 20);
  near.send(numbered(1));
  await clock.advance(10);
  network.partition('w1', 'm1');
  await clock.advance(100);
  assert.deepEqual(farEar.frames, []);
  network.heal();
  near.send(numbered(2));
  await clock.advance(100);
  assert.deepEqual(numbersOf(farEar.frames), [1, 2]);
});

test('a partition is between two hosts, and the others talk on', async () => {
  const { clock, network, open } = setUp();
  const [one, two] = [await open('w1'), await open('w2')];
  network.partition('w1', 'm1');
  one.near.send(numbered(1));
  two.near.send(numbered(2));
  await clock.advance(10);
  assert.deepEqual([one.farEar.frames.length, two.farEar.frames.length], [0, 1]);
});

test('a sender in a partition is cut when too much waits', async () => {
  const { clock, network, open } = setUp();
  const { near, nearEar, farEar } = await open();
  network.partition('w1', 'm1');
  for (let i = 0; i < 20; i++) near.send({ type: 'data', stream: i, items: ['x'.repeat(10_000)] });
  await clock.advance(10);
  assert.match(nearEar.closes[0]!, /too slow/);
  assert.deepEqual(farEar.closes, []);
  network.heal();
  await clock.advance(10);
  assert.deepEqual(farEar.closes, ['the connection was lost']);
  assert.deepEqual(farEar.frames, []);
});

test('silence swallows one direction only, until it ends', async () => {
  const { clock, network, open } = setUp();
  const { near, far, nearEar, farEar } = await open();
  network.silence('w1', 'm1');
  near.send(numbered(1));
  far.send({ type: 'beat' });
  await clock.advance(10);
  assert.deepEqual([nearEar.frames.length, farEar.frames.length], [1, 0]);
  network.silence('w1', 'm1', false);
  near.send(numbered(2));
  await clock.advance(10);
  assert.deepEqual(numbersOf(farEar.frames), [2]);
});

test('an end whose peer left in silence learns it when it speaks', async () => {
  const { clock, network, open } = setUp();
  const { near, far, farEar } = await open();
  network.silence('w1', 'm1');
  near.close('nobody hears this');
  await clock.advance(100);
  assert.deepEqual(farEar.closes, []);
  network.silence('w1', 'm1', false);
  await clock.advance(100);
  assert.deepEqual(farEar.closes, []);
  far.send({ type: 'beat' });
  await clock.advance(10);
  assert.deepEqual(farEar.closes, ['the connection was lost']);
});

test('a goodbye can be late', async () => {
  const { clock, network, open } = setUp();
  const { near, farEar } = await open();
  network.delayClose(500, 500);
  near.send(numbered(1));
  near.close('slowly');
  await clock.advance(499);
  assert.deepEqual([farEar.frames.length, farEar.closes], [1, []]);
  await clock.advance(1);
  assert.deepEqual(farEar.closes, ['slowly']);
});

test('a dial takes its time, and fails after dialMs when that is too long', async () => {
  const { clock, network } = setUp();
  const dialer = network.dialer('w1');
  network.delay(300, 300);
  let open = false;
  const dial = dialer.dial(address, never).then((link) => {
    open = true;
    return link;
  });
  await clock.advance(299);
  assert.equal(open, false);
  await clock.advance(1);
  await dial;
  network.delay(1_001, 1_001);
  const late = assert.rejects(dialer.dial(address, never), { code: 'unreachable', message: /no answer within 1000 ms/ });
  await clock.advance(1_000);
  await late;
});

test('a dial through a partition or a silence gets no answer, whichever way is closed', async () => {
  for (const close of [
    (network: ReturnType<typeof createMemoryNetwork>) => network.partition('w1', 'm1'),
    (network: ReturnType<typeof createMemoryNetwork>) => network.silence('w1', 'm1'),
    (network: ReturnType<typeof createMemoryNetwork>) => network.silence('m1', 'w1'),
  ]) {
    const { clock, network } = setUp();
    close(network);
    let settled = false;
    const dial = network.dialer('w1').dial(address, never);
    dial.catch(() => {
      settled = true;
    });
    await clock.advance(999);
    assert.equal(settled, false);
    await clock.advance(1);
    await assert.rejects(dial, { code: 'unreachable' });
  }
});

test('an aborted dial leaves no link and no timer that opens one', async () => {
  const { clock, network } = setUp();
  network.delay(100, 100);
  const controller = new AbortController();
  const dial = network.dialer('w1').dial(address, controller.signal);
  await clock.advance(50);
  controller.abort(new Error('no more'));
  await assert.rejects(dial, { message: 'no more' });
  await clock.advance(1_000);
  assert.equal(network.size, 0);
});

test('addresses are taken by one at a time, until they are given back', async () => {
  const { clock, network } = setUp();
  assert.throws(() => network.listen('ws://m1:5555/v1/link', () => undefined), { code: 'conflict' });
  const leave = network.listen('m2:5555', () => undefined);
  leave();
  leave();
  const refused = assert.rejects(network.dialer('w1').dial('m2:5555', never), { code: 'unreachable' });
  await clock.advance(10);
  await refused;
  network.listen('m2:5555', () => undefined);
});

test('a refusal lasts until it is lifted', async () => {
  const { clock, network, open } = setUp();
  network.refuse(address, 'forbidden');
  const refused = assert.rejects(network.dialer('w1').dial(address, never), { code: 'forbidden' });
  await clock.advance(10);
  await refused;
  network.refuse(address, undefined);
  await open();
});

test('a bad frame is told in the log', async () => {
  const { clock, log, open } = setUp();
  const { near } = await open();
  near.send({ type: 'acks', acks: 'none' } as never);
  await clock.advance(10);
  assert.ok(log.lines.some((line) => line.level === 'warn' && /a wrong "acks"/.test(String(line.fields['why']))));
});
