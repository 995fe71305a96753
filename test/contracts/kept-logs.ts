/** What every place for kept logs promises: run on each implementation by kept-logs.test.ts. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { KeptLogs } from '../../src/ports/kept-logs.ts';
import type { LogChunk } from '../../src/ports/runtime.ts';

/** Output of a few lines. */
export function linesOf(...texts: readonly string[]): LogChunk[] {
  return texts.map((text, at) => ({ stream: at % 2 === 0 ? 'stdout' : 'stderr', text: `${text}\n`, at: 1_000 + at }));
}

const anyChunk: fc.Arbitrary<LogChunk> = fc.record(
  {
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.string({ unit: 'grapheme', maxLength: 200 }),
    at: fc.integer({ min: 0, max: 2 ** 42 }),
  },
  { noNullPrototype: true },
);

/**
 * Runs the contract.
 * @param name what is tested, for the tests' names
 * @param make gives a function that opens it, again and again on the same place
 */
export function keptLogsContract(name: string, make: (t: TestContext) => Promise<() => KeptLogs>): void {
  test(`${name}: an empty place lists nothing, reads nothing, and removes nothing`, async (t) => {
    const logs = (await make(t))();
    assert.deepEqual(await logs.list(), []);
    assert.equal(await logs.read('a', 1), undefined);
    await logs.remove('a', 1);
  });

  test(`${name}: what is kept comes back as it was, also in the next process`, async (t) => {
    const open = await make(t);
    const chunks = linesOf('one', 'zwei ü', 'three "quoted" \\ \t \u2028 end', '');
    await open().keep('a', 2, chunks);
    assert.deepEqual(await open().read('a', 2), chunks);
    const [log, ...more] = await open().list();
    assert.deepEqual([log?.taskId, log?.attempt, more], ['a', 2, []]);
    assert.ok(log!.bytes > 0 && log!.keptAt > 0);
  });

  test(`${name}: any output comes back as it was`, async (t) => {
    const logs = (await make(t))();
    const property = fc.asyncProperty(fc.array(anyChunk, { maxLength: 20 }), async (chunks) => {
      await logs.keep('a', 1, chunks);
      assert.deepEqual(await logs.read('a', 1), chunks);
    });
    await fc.assert(property, { numRuns: 50, seed: 5 });
  });

  test(`${name}: an attempt without output is kept, too`, async (t) => {
    const logs = (await make(t))();
    await logs.keep('a', 1, []);
    assert.deepEqual(await logs.read('a', 1), []);
    assert.equal((await logs.list()).length, 1);
  });

  test(`${name}: keeping an attempt again replaces it`, async (t) => {
    const logs = (await make(t))();
    await logs.keep('a', 1, linesOf('old', 'older'));
    await logs.keep('a', 1, linesOf('new'));
    assert.deepEqual(await logs.read('a', 1), linesOf('new'));
    assert.equal((await logs.list()).length, 1);
  });

  test(`${name}: tasks and attempts do not meet, and each is removed alone`, async (t) => {
    const logs = (await make(t))();
    for (const [task, attempt] of [['a', 1] as const, ['a', 11] as const, ['a-1', 1] as const]) {
      await logs.keep(task, attempt, linesOf(`${task} ${attempt}`));
    }
    await logs.remove('a', 1);
    await logs.remove('a', 1);
    assert.equal(await logs.read('a', 1), undefined);
    assert.deepEqual(await logs.read('a', 11), linesOf('a 11'));
    assert.deepEqual(await logs.read('a-1', 1), linesOf('a-1 1'));
    const left = (await logs.list()).map(({ taskId, attempt }) => `${taskId} ${attempt}`);
    assert.deepEqual(left.toSorted(), ['a 11', 'a-1 1']);
  });

  test(`${name}: what was given may change afterwards`, async (t) => {
    const logs = (await make(t))();
    const chunks = linesOf('one');
    await logs.keep('a', 1, chunks);
    chunks.push(...linesOf('two'));
    assert.deepEqual(await logs.read('a', 1), linesOf('one'));
  });
}
