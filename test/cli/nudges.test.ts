import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/cli/connect.ts';
import { nudges } from '../../src/cli/nudges.ts';
import { problem } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import type { EventJson } from '../../src/core/views.ts';
import { anEvent } from './samples.ts';

const never = limitsWith({ waitPollMs: 1_000_000, waitDebounceMs: 1 });
const often = limitsWith({ waitPollMs: 1, waitDebounceMs: 1 });

/** A client whose event streams are these, one after the other; after the last one comes silence. */
function clientWith(...streams: (() => AsyncIterable<EventJson>)[]): Client {
  const left = [...streams];
  const silence = (signal?: AbortSignal): AsyncIterable<EventJson> => ({
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise((resolve) => signal?.addEventListener('abort', () => resolve({ done: true, value: undefined }))),
    }),
  });
  return { events: (filter: { signal?: AbortSignal }) => left.shift()?.() ?? silence(filter.signal) } as Partial<Client> as Client;
}

async function* of(...events: EventJson[]): AsyncGenerator<EventJson> {
  yield* events;
}

/** How many nudges come before `ends` says so. */
async function count(client: Client, limits: typeof never, ends: (soFar: number) => boolean): Promise<number> {
  const ended = new AbortController();
  let soFar = 0;
  for await (const _ of nudges(client, {}, limits, ended.signal)) {
    soFar++;
    if (ends(soFar)) ended.abort();
  }
  return soFar;
}

test('the first look is at once, without an event', async () => {
  assert.equal(await count(clientWith(), never, () => true), 1);
});

test('an event is a reason to look again, and a burst is one', async () => {
  const burst = (): AsyncIterable<EventJson> => of(...Array.from({ length: 100 }, () => anEvent()));
  assert.equal(await count(clientWith(burst), never, (soFar) => soFar === 2), 2);
});

test('without an event there is a look now and then', async () => {
  assert.equal(await count(clientWith(), often, (soFar) => soFar === 3), 3);
});

test('a stream that breaks is a reason to look, and is opened again', async () => {
  const breaks = async function* (): AsyncGenerator<EventJson> {
    yield anEvent();
    throw problem('unreachable', 'gone');
  };
  let opened = 0;
  const again = (): AsyncIterable<EventJson> => {
    opened++;
    return of(anEvent());
  };
  await count(clientWith(breaks, again), often, () => opened === 1);
  assert.equal(opened, 1);
});

test('a defect is not taken for a broken stream', async () => {
  const defective = async function* (): AsyncGenerator<EventJson> {
    yield anEvent();
    throw new TypeError('undefined is not a function');
  };
  await assert.rejects(
    count(clientWith(defective), often, () => false),
    TypeError,
  );
});

test('no look comes after the signal', async () => {
  const ended = new AbortController();
  ended.abort();
  let looks = 0;
  for await (const _ of nudges(clientWith(), {}, often, ended.signal)) looks++;
  assert.equal(looks, 0);
});
