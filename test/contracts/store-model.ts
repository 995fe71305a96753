/** A store against a plain map: any course of commits, reads and restarts. A part of the suite in store.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitsWith } from '../../src/core/limits.ts';
import type { Kind, Loaded, Store } from '../../src/ports/store.ts';
import type { MakeStore, OpenStore } from './store-harness.ts';

type Step =
  | { readonly do: 'commit'; readonly fault?: 'refused' | 'unanswered'; readonly changes: readonly Change[][] }
  | { readonly do: 'reopen' }
  | { readonly do: 'range'; readonly kind: Kind; readonly from: string; readonly limit: number };

interface Change {
  readonly kind: Kind;
  readonly key: string;
  /** Undefined removes. */
  readonly value?: number;
}

const kind = fc.constantFrom<Kind>('task', 'job', 'event');
const key = fc.constantFrom('a', 'b', 'b/1', 'c', 'é', '😀', 'ｆ');
const change = fc.record({ kind, key, value: fc.option(fc.integer(), { nil: undefined, freq: 3 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('commit' as const), changes: fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      fault: fc.constantFrom('refused' as const, 'unanswered' as const),
      changes: fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('range' as const), kind, from: fc.oneof(key, fc.constant('')), limit: fc.nat(6) }) },
);

/** Model: values by kind and key. A batch's removals come first, so of one key only the last put counts if there is any. */
class Model {
  readonly values = new Map<string, number>();
  revision = 0;

  apply(changes: readonly Change[]): void {
    for (const { kind: of, key: at, value } of changes) if (value === undefined) this.values.delete(`${of} ${at}`);
    for (const { kind: of, key: at, value } of changes) if (value !== undefined) this.values.set(`${of} ${at}`, value);
    this.revision++;
  }

  of(wanted: Kind): { key: string; value: number }[] {
    const found = [...this.values].filter(([name]) => name.startsWith(`${wanted} `));
    const records = found.map(([name, value]) => ({ key: name.slice(wanted.length + 1), value }));
    return records.sort((a, b) => Buffer.from(a.key).compare(Buffer.from(b.key)));
  }

  check(loaded: Loaded): void {
    assert.deepEqual(loaded.damage, []);
    assert.equal(loaded.revision, this.revision);
    for (const of of ['task', 'job'] as const) {
      assert.deepEqual(
        [...loaded.records.get(of)!].map(([at, value]) => ({ key: at, value })),
        this.of(of),
      );
    }
  }
}

async function play(open: OpenStore, steps: readonly Step[]): Promise<void> {
  const model = new Model();
  const limits = limitsWith({ storeMarksMax: 4, storeReadRecordsMax: 2 });
  let fault: 'refused' | 'unanswered' | undefined;
  const openNow = (): Store => open({ limits, probe: () => fault });
  let store = openNow();
  await store.load();
  try {
    for (const now of steps) {
      if (now.do === 'range') {
        const expected = model.of(now.kind).filter((one) => Buffer.from(one.key).compare(Buffer.from(now.from)) >= 0);
        assert.deepEqual(await store.range(now.kind, now.from, now.limit), expected.slice(0, now.limit));
      } else if (now.do === 'reopen') {
        await store.close();
        store = openNow();
        model.check(await store.load());
      } else {
        fault = now.fault;
        await commitAll(store, model, now.changes, fault);
        fault = undefined;
      }
    }
    await store.close();
    store = openNow();
    model.check(await store.load());
  } finally {
    await store.close();
  }
}

/** All of them at once: they are made durable in their order, and by one write, since they come in one turn. */
async function commitAll(
  store: Store,
  model: Model,
  batches: readonly Change[][],
  fault: 'refused' | 'unanswered' | undefined,
): Promise<void> {
  const commits = batches.map((changes) =>
    store.commit({
      puts: changes.filter((one): one is Required<Change> => one.value !== undefined),
      removals: changes.filter(({ value }) => value === undefined),
    }),
  );
  const settled = await Promise.allSettled(commits);
  assert.ok(settled.every(({ status }) => status === (fault ? 'rejected' : 'fulfilled')));
  if (fault !== 'refused') for (const changes of batches) model.apply(changes);
  if (fault) model.check(await store.load());
}

/** Runs random courses on an implementation. */
export function storeModelContract(makeStore: MakeStore): void {
  test('any course of commits, faults, reads and restarts gives what a plain map gives', async (t) => {
    const course = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => play(await makeStore(t), steps));
    await fc.assert(course, { numRuns: 40 });
  });
}
