import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../src/core/errors.ts';
import type { ErrorBody } from '../../src/core/errors.ts';
import { isoTime } from '../../src/core/views.ts';
import { jobDocument, makeRig, raw, serve, settle, until } from './harness.ts';
import type { Rig, RigOptions } from './harness.ts';

/** Reads a streaming answer piece by piece. */
function readerOf(response: Response) {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  return {
    next: async (): Promise<string | undefined> => {
      const { value } = await reader.read();
      return value === undefined ? undefined : decoder.decode(value);
    },
    cancel: () => reader.cancel(),
  };
}

async function withShop(options: RigOptions = {}): Promise<Rig> {
  const rig = makeRig(options);
  await rig.ask('POST', '/v1/jobs', { body: { job: jobDocument() } });
  return rig;
}

function say(rig: Rig, text: string, slot = 'shop/web.1', at = 5_000): void {
  const lines = rig.control.output.get(slot) ?? [];
  rig.control.output.set(slot, [...lines, { at, slot, task: 'id-1', stream: 'stdout', text }]);
  rig.control.wake();
}

test('following goes on with what comes, and ends when the reader goes', async () => {
  const rig = makeRig();
  rig.control.emit();
  const stream = readerOf(await rig.ask('GET', '/v1/events?follow'));
  assert.match((await stream.next())!, /^id: 1\n/);
  const second = stream.next();
  rig.control.emit();
  assert.match((await second)!, /^id: 2\n/);
  await stream.cancel();
  await until(() => rig.control.streamsOpen === 0);
  assert.equal(rig.clock.waiting, 0, 'no timer stays behind');
});

test('a follower that was cut off goes on after the last event it saw', async () => {
  const rig = makeRig();
  for (let count = 0; count < 4; count++) rig.control.emit();
  const stream = readerOf(await rig.ask('GET', '/v1/events?follow', { headers: { 'last-event-id': '3' } }));
  assert.match((await stream.next())!, /^id: 4\n/);
  await stream.cancel();
});

test('while nothing happens a follower gets a sign of life each heartbeat', async () => {
  const rig = makeRig({ limits: { heartbeatMs: 1_000 } });
  for (const [accept, beat] of [
    ['text/event-stream', ':\n\n'],
    ['application/x-ndjson', '\n'],
  ] as const) {
    const stream = readerOf(await rig.ask('GET', '/v1/events?follow', { headers: { accept } }));
    for (let count = 0; count < 3; count++) {
      const next = stream.next();
      await until(() => rig.clock.waiting === 1);
      rig.clock.advance(999);
      await settle();
      rig.clock.advance(1);
      assert.equal(await next, beat);
    }
    const next = stream.next();
    rig.control.emit();
    assert.match((await next)!, /"seq":1/);
    await stream.cancel();
    rig.control.eventsKept.length = 0;
  }
});

test('a source that breaks while it is followed says why as its last word', async () => {
  const rig = makeRig();
  for (const [accept, pattern] of [
    ['text/event-stream', /^event: error\ndata: (.*)\n\n$/],
    ['application/x-ndjson', /^(.*)\n$/],
  ] as const) {
    rig.control.failure = undefined;
    const stream = readerOf(await rig.ask('GET', '/v1/events?follow', { headers: { accept } }));
    const next = stream.next();
    await until(() => rig.control.streamsOpen === 1);
    rig.control.failure = problem('cut-off', 'the node is gone');
    rig.control.wake();
    const { error } = JSON.parse(pattern.exec((await next)!)![1]!) as ErrorBody;
    assert.deepEqual([error.code, error.message], ['cut-off', 'the node is gone']);
    assert.equal(await stream.next(), undefined, 'and then it ends');
    assert.equal(rig.control.streamsOpen, 0);
  }
});

test('a source that fails at once gives its own status when it is not followed', async () => {
  const rig = await withShop();
  const logs = rig.control.logs.bind(rig.control);
  rig.control.logs = (ref, request) => {
    rig.control.failure = problem('cut-off', 'the node is gone');
    return logs(ref, request);
  };
  const response = await rig.ask('GET', '/v1/jobs/shop/logs');
  assert.equal(response.status, 503);
  assert.equal(((await response.json()) as ErrorBody).error.code, 'cut-off');
});

test('logs are lines of JSON, of a task and of a job', async () => {
  const rig = await withShop();
  say(rig, 'one\n');
  say(rig, 'two\n', 'shop/web.2', 6_000);
  const linesOf = async (path: string) => {
    const response = await rig.ask('GET', path);
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
    return (await response.text())
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  };
  const one = { at: isoTime(5_000), slot: 'shop/web.1', task: 'id-1', stream: 'stdout', text: 'one\n' };
  assert.deepEqual(await linesOf('/v1/tasks/shop%2Fweb.1/logs'), [one]);
  assert.equal((await linesOf('/v1/jobs/shop/logs')).length, 2);
  await linesOf('/v1/tasks/shop%2Fweb.1/logs?tail=5&since=10m');
  const { tail, sinceMs, follow } = rig.control.lastLogRequests.at(-1)!;
  assert.deepEqual([tail, sinceMs, follow], [5, Date.parse('2026-01-31T11:50:00Z'), false]);
});

test('logs of nothing are 404, followed or not', async () => {
  const { ask } = makeRig();
  for (const path of [
    '/v1/tasks/nosuch/logs',
    '/v1/tasks/nosuch/logs?follow',
    '/v1/jobs/nosuch/logs',
    '/v1/jobs/nosuch/logs?follow=true',
  ]) {
    assert.equal((await ask('GET', path)).status, 404, path);
  }
});

test('a quiet log that is followed answers at once and then goes on', async () => {
  const rig = await withShop();
  const response = await rig.ask('GET', '/v1/tasks/shop%2Fweb.1/logs?follow');
  assert.equal(response.status, 200);
  const stream = readerOf(response);
  const next = stream.next();
  await until(() => rig.control.streamsOpen === 1);
  say(rig, 'hello\n');
  assert.match((await next)!, /hello/);
  await stream.cancel();
});

test('only so many streams are open at once, and an ended one makes room', async () => {
  const rig = await withShop({ limits: { streamsMax: 2 } });
  const open = () => rig.ask('GET', '/v1/events?follow');
  const first = readerOf(await open());
  const leaving = new AbortController();
  await rig.ask('GET', '/v1/jobs/shop/logs?follow', { signal: leaving.signal });
  const third = await open();
  assert.equal(third.status, 429);
  assert.ok(third.headers.has('retry-after'));
  await first.cancel();
  const fourth = await open();
  assert.equal(fourth.status, 200);
  assert.equal((await open()).status, 429);
  leaving.abort();
  assert.equal((await open()).status, 200, 'a client that went makes room, too');
});

test('an ended stream and one that failed at once make room', async () => {
  const rig = makeRig({ limits: { streamsMax: 1 } });
  rig.control.emit();
  for (let count = 0; count < 3; count++) await (await rig.ask('GET', '/v1/events')).text();
  rig.control.failure = problem('cut-off', 'gone');
  for (let count = 0; count < 3; count++) assert.equal((await rig.ask('GET', '/v1/events')).status, 503);
  rig.control.failure = undefined;
  assert.equal((await rig.ask('GET', '/v1/events')).status, 200);
});

test('a HEAD request takes no stream', async () => {
  const rig = makeRig({ limits: { streamsMax: 1 } });
  for (let count = 0; count < 3; count++) assert.equal((await rig.ask('HEAD', '/v1/events?follow')).status, 200);
  assert.equal((await rig.ask('GET', '/v1/events?follow')).status, 200);
});

test('a source that would throw for ever is asked once', async () => {
  const rig = makeRig();
  let asked = 0;
  const next = () => {
    asked++;
    return Promise.reject(problem('cut-off', 'gone'));
  };
  rig.control.events = () => ({ [Symbol.asyncIterator]: () => ({ next }) });
  const response = await rig.ask('GET', '/v1/events?follow', { headers: { accept: 'application/x-ndjson' } });
  assert.equal((await response.text()).split('\n').length, 2);
  assert.equal(asked, 1);
});

test('a reader that does not read is not read for', async () => {
  const rig = makeRig();
  for (let count = 0; count < 100; count++) rig.control.emit();
  let taken = 0;
  const events = rig.control.events.bind(rig.control);
  rig.control.events = async function* counting(filter) {
    for await (const event of events(filter)) {
      taken++;
      yield event;
    }
  };
  const stream = readerOf(await rig.ask('GET', '/v1/events?follow'));
  await stream.next();
  await settle();
  assert.equal(taken, 1);
  await stream.cancel();
});

test('when the node stops all streams end', async () => {
  const rig = makeRig();
  const stream = readerOf(await rig.ask('GET', '/v1/events?follow'));
  const next = stream.next();
  await until(() => rig.control.streamsOpen === 1);
  rig.api.close();
  assert.equal(await next, undefined);
  await until(() => rig.control.streamsOpen === 0);
  assert.equal(rig.clock.waiting, 0);
});

test('through a real server a stream begins before anything happens, and ends with its connection', async (t) => {
  const rig = makeRig();
  const url = await serve(t, rig.api);
  const leaving = new AbortController();
  const headers = { authorization: 'Bearer admin-token' };
  const response = await fetch(`${url}/v1/events?follow`, { headers, signal: leaving.signal });
  assert.equal(response.status, 200, 'the head comes although no event has');
  const stream = readerOf(response);
  rig.control.emit();
  assert.match((await stream.next())!, /^id: 1\n/);
  assert.equal(rig.control.streamsOpen, 1);
  leaving.abort();
  await assert.rejects(stream.next());
  await until(() => rig.control.streamsOpen === 0);
});

test('through a real server a client that leaves a half-read stream frees it', async (t) => {
  const rig = makeRig({ limits: { streamsMax: 1 } });
  for (let count = 0; count < 2_000; count++) rig.control.emit({ cause: 'x'.repeat(1_000) });
  const url = await serve(t, rig.api);
  const headers = { authorization: 'Bearer admin-token' };
  for (let round = 0; round < 3; round++) {
    const leaving = new AbortController();
    const response = await fetch(`${url}/v1/events`, { headers, signal: leaving.signal });
    assert.equal(response.status, 200);
    await readerOf(response).next();
    leaving.abort();
    await until(() => rig.control.streamsOpen === 0);
  }
});

test('through a real server a whole stream arrives and the connection is good for more', async (t) => {
  const rig = makeRig();
  for (let count = 0; count < 500; count++) rig.control.emit();
  const url = await serve(t, rig.api);
  const head = 'Host: 127.0.0.1\r\nAuthorization: Bearer admin-token\r\n';
  const both = await raw(url, `GET /v1/events HTTP/1.1\r\n${head}\r\nGET /healthz HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
  assert.equal([...both.matchAll(/^id: \d+$/gm)].length, 500);
  assert.match(both, /\{"status":"ok"\}/);
});
