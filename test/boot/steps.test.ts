/** The steps a node tells of on its diagnostics channel, for the tests that kill it there. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test, type TestContext } from 'node:test';
import { withDialerSteps, withLinkSteps, withRuntimeSteps, withStoreSteps, type Step } from '../../src/boot/steps.ts';
import { problem } from '../../src/core/errors.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Dialer, Frame, Link } from '../../src/ports/transport.ts';

/** What is told, in order; the test may add words of its own. */
function heard(t: TestContext): string[] {
  const words: string[] = [];
  const listen = (message: unknown): void => {
    const { step, when } = message as Step;
    words.push(`${when} ${step}`);
  };
  subscribe('cube:step', listen);
  t.after(() => unsubscribe('cube:step', listen));
  return words;
}

function storeThat(commit: Store['commit']): Store {
  const unused = () => Promise.reject(new Error('not asked for'));
  async function* nothing(): AsyncGenerator<Uint8Array> {
    yield* [];
  }
  return { load: unused, commit, range: unused, backup: nothing, close: () => Promise.resolve() };
}

/** A link that hands back what is sent. */
function echo(): Link {
  let take: (frame: Frame) => void = () => undefined;
  return {
    peer: 'nobody',
    send: (frame) => take(frame),
    listen: ({ onFrame }) => (take = onFrame),
    close: () => undefined,
  };
}

const batch = { puts: [], removals: [] };

test('without a subscriber nothing is wrapped', () => {
  const store = storeThat(() => Promise.resolve(1));
  const [runtime, link, dialer] = [{} as Runtime, echo(), {} as Dialer];
  assert.equal(withStoreSteps(store, 'manager'), store);
  assert.equal(withRuntimeSteps(runtime), runtime);
  assert.equal(withLinkSteps(link), link);
  assert.equal(withDialerSteps(dialer), dialer);
});

test('a commit is told before it is asked for, and after it settled but before its answer', async (t) => {
  const words = heard(t);
  const store = withStoreSteps(
    storeThat(async () => {
      words.push('asked');
      await Promise.resolve();
      words.push('settled');
      return 7;
    }),
    'worker',
  );
  assert.equal(await store.commit(batch).then((revision) => words.push('answered') && revision), 7);
  assert.deepEqual(words, ['before worker.commit', 'asked', 'settled', 'after worker.commit', 'answered']);
  await store.close();
  assert.equal(words.length, 5, 'what is no step was told');
});

test('two commits reach the store in the order in which they were given', async (t) => {
  heard(t);
  const given: unknown[] = [];
  const store = withStoreSteps(
    storeThat(async (one) => given.push(one)),
    'manager',
  );
  const [first, second] = [{ ...batch }, { ...batch }];
  const both = [store.commit(first), store.commit(second)];
  assert.deepEqual(given, [first, second]);
  assert.deepEqual(await Promise.all(both), [1, 2]);
});

test('a commit that failed is not told as done, and fails as it would', async (t) => {
  const words = heard(t);
  const failure = problem('store-failed', 'the disk is full');
  const store = withStoreSteps(
    storeThat(() => Promise.reject(failure)),
    'manager',
  );
  await assert.rejects(store.commit(batch), failure);
  assert.deepEqual(words, ['before manager.commit']);
});

test('of a runtime what changes containers is told, and the rest is as it was', async (t) => {
  const words = heard(t);
  class Engine {
    readonly name = 'fake';
    readonly #lines = ['one'];
    async start(): Promise<{ startedAt: number; hasCheck: boolean }> {
      return { startedAt: this.#lines.length, hasCheck: false };
    }
    *logs(): Generator<string> {
      yield* this.#lines;
    }
  }
  const runtime = withRuntimeSteps(new Engine() as unknown as Runtime);
  assert.equal(runtime.name, 'fake');
  assert.deepEqual([...(runtime.logs as unknown as () => Iterable<string>)()], ['one']);
  assert.deepEqual(words, []);
  const { startedAt } = await runtime.start({ id: 'a', name: 'a' }, new AbortController().signal);
  assert.equal(startedAt, 1);
  assert.deepEqual(words, ['before runtime.start', 'after runtime.start']);
});

test('each frame of a link is told at both ends, on links that were dialled, too', async (t) => {
  const words = heard(t);
  const link = await withDialerSteps({ dial: () => Promise.resolve(echo()) }).dial('there', new AbortController().signal);
  link.listen({ onFrame: ({ type }) => void words.push(`took ${type}`), onClose: () => undefined });
  link.send({ type: 'acks', acks: [] });
  assert.deepEqual(words, ['before send.acks', 'before receive.acks', 'took acks', 'after receive.acks', 'after send.acks']);
});
