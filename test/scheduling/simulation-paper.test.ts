import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPaper } from './simulation-scenes.ts';

test("E-PVM slows jobs down less than round robin in the E-PVM paper's simulation, whatever the seed", () => {
  const { seeds, won, ratio, epvm, roundrobin } = runPaper(5);
  assert.deepEqual([seeds, won], [5, 5]);
  assert.ok(epvm >= 0.99, 'no job is faster than alone on the fastest machine');
  assert.ok(ratio > 1.2 && Math.abs(ratio - roundrobin / epvm) < 1e-9);
});

test("the paper's simulation gives the same figures again", () => assert.deepEqual(runPaper(2), runPaper(2)));
