import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { ClientClock } from '../../src/client/index.ts';
import { limitsWith } from '../../src/core/limits.ts';
import type { EventJson } from '../../src/core/views.ts';
import { makeRig, ManualClock, serve, settle, until } from '../api/harness.ts';
import { all, answer, clientOf, misbehave, requesters } from './harness.ts';

function start(response: ServerResponse, ...seqs: readonly number[]): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  for (const seq of seqs) response.write(`${JSON.stringify({ seq })}\n`);
}

/** Reads so many events and stops. */
async function take(events: AsyncIterable<EventJson>, count: number): Promise<number[]> {
  const seqs: number[] = [];
  for await (const event of events) {
    seqs.push(event.seq);
    if (seqs.length === count) break;
  }
  return seqs;
}

for (const kind of Object.keys(requesters) as (keyof typeof requesters)[]) {
  test(`over ${kind}, a follower goes on after the last event it saw, when the connection breaks or ends`, async (t) => {
    const { url, asked } = await misbehave(t, (response, _asked, count) => {
      if (count === 1) {
        start(response, 1, 2);
        setTimeout(() => response.socket?.destroy(), 5);
      } else if (count === 2) response.socket?.destroy();
      else if (count === 3) {
        start(response, 3);
        response.end();
      } else start(response, 4);
    });
    const events = clientOf(url, { kind }).events({ follow: true, since: '10m', job: 'shop' });
    assert.deepEqual(await take(events, 4), [1, 2, 3, 4]);
    assert.deepEqual(
      asked.map((one) => one.url),
      [
        '/v1/events?follow=true&since=10m&job=shop',
        '/v1/events?follow=true&after=2&job=shop',
        '/v1/events?follow=true&after=2&job=shop',
        '/v1/events?follow=true&after=3&job=shop',
      ],
    );
  });
}

test('an event that was cut in the middle is read again, whole', async (t) => {
  const { url } = await misbehave(t, (response, _asked, count) => {
    start(response, ...(count === 1 ? [1] : [2]));
    if (count === 1) response.end('{"seq":');
  });
  assert.deepEqual(await take(clientOf(url).events({ follow: true }), 2), [1, 2]);
});

test('a follower waits for a node that restarts: refused, electing, busy', async (t) => {
  const codes: Readonly<Record<number, readonly [number, string]>> = {
    2: [503, 'not-leading'],
    3: [429, 'busy'],
    4: [503, 'store-failed'],
  };
  const { url } = await misbehave(t, (response, _asked, count) => {
    const refusal = codes[count];
    if (refusal) return answer(response, { error: { code: refusal[1], message: 'later', hint: '' } }, refusal[0]);
    start(response, count);
    if (count === 1) response.end();
  });
  assert.deepEqual(await take(clientOf(url).events({ follow: true }), 2), [1, 5]);
});

test('a refusal that no time mends ends the following', async (t) => {
  const { url, asked } = await misbehave(t, (response, _asked, count) => {
    if (count > 1) return answer(response, { error: { code: 'unauthorized', message: 'the session is over', hint: '' } }, 401);
    start(response, 1);
    response.end();
  });
  await assert.rejects(all(clientOf(url).events({ follow: true })), { code: 'unauthorized' });
  assert.equal(asked.length, 2);
});

test('the first opening is not tried again', async (t) => {
  const { url, asked } = await misbehave(t, (response) =>
    answer(response, { error: { code: 'not-leading', message: 'electing', hint: '' } }, 503),
  );
  await assert.rejects(all(clientOf(url).events({ follow: true })), { code: 'not-leading' });
  assert.equal(asked.length, 1);
});

test('events that are not followed end with their connection', async (t) => {
  const { url, asked } = await misbehave(t, (response) => {
    start(response, 1);
    setTimeout(() => response.socket?.destroy(), 5);
  });
  await assert.rejects(all(clientOf(url).events()), { code: 'unreachable' });
  assert.equal(asked.length, 1);
});

test('a follower gives up when nothing is reached for long, with growing pauses until then', async (t) => {
  const { url, asked } = await misbehave(t, (response, _asked, count) => {
    if (count > 1) return void response.socket?.destroy();
    start(response, 1);
    response.end();
  });
  const pauses: number[] = [];
  let time = 0;
  // Pauses pass at once; longer waits are for silence, which does not come here.
  const clock: ClientClock = {
    monotonic: () => time,
    setTimeout: (run, ms) => {
      if (ms > 400) return;
      pauses.push(ms);
      time += ms;
      setImmediate(run);
    },
    clearTimeout: () => undefined,
  };
  const limits = limitsWith({ clientRetryDelayMs: 100, clientRetryBackoff: 2, clientRetryDelayMsMax: 400, clientReconnectMs: 2_000 });
  await assert.rejects(all(clientOf(url, { clock, limits }).events({ follow: true })), { code: 'unreachable' });
  assert.deepEqual(pauses, [100, 200, 400, 400, 400, 400, 400]);
  assert.equal(asked.length, 8);
});

test('a stream that is silent counts as broken, one that gives signs of life does not', async (t) => {
  const responses: ServerResponse[] = [];
  const { url, asked } = await misbehave(t, (response, _asked, count) => {
    responses.push(response);
    start(response, count);
  });
  const clock = new ManualClock();
  const limits = limitsWith({ clientSilenceMs: 10_000, clientRetryDelayMs: 100 });
  const seqs: number[] = [];
  const leaving = new AbortController();
  const reading = (async () => {
    for await (const event of clientOf(url, { clock, limits }).events({ follow: true, signal: leaving.signal })) seqs.push(event.seq);
  })();
  await until(() => seqs.length === 1);
  for (let beat = 0; beat < 3; beat++) {
    clock.advance(9_000);
    const armed = clock.armed;
    responses[0]!.write('\n');
    await until(() => clock.armed > armed);
  }
  assert.equal(asked.length, 1);
  clock.advance(10_000);
  await until(() => clock.waiting === 1 && responses[0]!.destroyed);
  await settle();
  clock.advance(100);
  await until(() => seqs.length === 2);
  assert.deepEqual([seqs, asked.length], [[1, 2], 2]);
  leaving.abort();
  await reading;
  assert.equal(clock.waiting, 0);
});

test('a signal ends the following at once, also in a pause, without an error', async (t) => {
  const { url } = await misbehave(t, (response) => {
    start(response, 1);
    response.end();
  });
  const clock = new ManualClock();
  const leaving = new AbortController();
  const reading = all(clientOf(url, { clock }).events({ follow: true, signal: leaving.signal }));
  await until(() => clock.waiting === 1);
  await settle();
  leaving.abort();
  assert.deepEqual(
    (await reading).map((event) => event.seq),
    [1],
  );
  assert.deepEqual(await all(clientOf(url).events({ follow: true, signal: leaving.signal })), [], 'one that has fired before, too');
});

test('over a node that ends its streams again and again nothing is lost and nothing doubled', async (t) => {
  const rig = makeRig();
  const url = await serve(t, rig.api);
  const seqs: number[] = [];
  const leaving = new AbortController();
  const reading = (async () => {
    for await (const event of clientOf(url).events({ follow: true, signal: leaving.signal })) seqs.push(event.seq);
  })();
  for (let round = 1; round <= 5; round++) {
    await until(() => rig.control.lastEventFilters.length === round);
    rig.control.emit();
    rig.api.close();
    rig.control.emit();
  }
  await until(() => seqs.length === 10);
  leaving.abort();
  await reading;
  assert.deepEqual(seqs, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});
