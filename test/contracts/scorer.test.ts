import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsWith } from '../../src/core/limits.ts';
import { openInlineScorer } from '../../src/pool/inline.ts';
import { openPool } from '../../src/pool/pool.ts';
import type { Log } from '../../src/ports/ambient.ts';
import type { Scorer } from '../../src/ports/scorer.ts';
import { requestOf } from '../scheduling/build.ts';
import { sampleRequests, scorerContract } from './scorer.ts';

function pool(log: Log, changes: Record<string, number> = {}): Scorer {
  return openPool({ limits: limitsWith({ poolQueueMax: 100, ...changes }), log });
}

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const strict: Log = { ...quiet, warn: (message, fields) => assert.fail(`${message} ${JSON.stringify(fields)}`) };

scorerContract('inline', openInlineScorer);
scorerContract('pool', () => pool(quiet));
scorerContract('pool of three threads', () => pool(quiet, { poolThreadsMax: 3 }));
scorerContract('pool without threads', () => pool(strict, { poolThreadsMax: 0 }));

test('the pool and the inline scorer give the same plans, and the pool does so in its threads', async () => {
  const [inline, threads] = [openInlineScorer(), pool(strict)];
  try {
    for (const request of sampleRequests(100).map(requestOf)) assert.deepEqual(await threads.score(request), await inline.score(request));
  } finally {
    await threads.close();
  }
});
