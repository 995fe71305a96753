import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeed } from './chaos.ts';

test('the same seed gives the same history to the last byte, and another seed another one', async () => {
  const transcripts: string[] = [];
  for (const seed of [7, 8]) {
    const once = (await runSeed(seed)).transcript();
    const again = (await runSeed(seed)).transcript();
    assert.ok(once.length > 10_000, 'something happened');
    assert.ok(once === again, `seed ${seed} gave two histories; the first ${firstDifference(once, again)}`);
    transcripts.push(once);
  }
  assert.notEqual(transcripts[0], transcripts[1]);
});

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return `differs at ${at}: ${JSON.stringify(a.slice(at - 100, at + 100))} and ${JSON.stringify(b.slice(at - 100, at + 100))}`;
}
