/** What every scorer promises: run on each implementation by scorer.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CubeError } from '../../src/core/errors.ts';
import type { Scorer } from '../../src/ports/scorer.ts';
import { anyRequest } from '../scheduling/arbitrary.ts';
import { aGroup, aNode, anAsk, aRequest, deepFreeze, place, requestOf, type Case } from '../scheduling/build.ts';

/** Requests of all kinds, the same ones in every run. */
export function sampleRequests(count: number): readonly Case[] {
  const either = fc.oneof(...(['epvm', 'roundrobin', 'spread', 'binpack'] as const).map(anyRequest));
  return fc.sample(either, { numRuns: count, seed: 20_000_711 });
}

/**
 * Runs the contract.
 * @param name what is tested, for the tests' names
 * @param open makes a scorer; each test makes its own and closes it
 */
export function scorerContract(name: string, open: () => Scorer): void {
  const withScorer = async (use: (scorer: Scorer) => Promise<void>): Promise<void> => {
    const scorer = open();
    try {
      await use(scorer);
    } finally {
      await scorer.close();
    }
  };

  test(`${name}: gives the plan that place() gives, and leaves the request alone`, () =>
    withScorer(async (scorer) => {
      for (const request of sampleRequests(200)) {
        assert.deepEqual(await scorer.score(requestOf(deepFreeze(structuredClone(request)))), place(request));
      }
    }));

  test(`${name}: batches asked for at once each get their own plan`, () =>
    withScorer(async (scorer) => {
      const requests = sampleRequests(20);
      const plans = await Promise.all(requests.map((request) => scorer.score(requestOf(request))));
      assert.deepEqual(plans, requests.map(place));
    }));

  test(`${name}: a large batch comes back whole and in order`, () =>
    withScorer(async (scorer) => {
      const nodes = Array.from({ length: 100 }, (_, at) => aNode(`n${at}`));
      const request = aRequest(nodes, [aGroup(5_000, anAsk({ cpu: 0.1 }, { ports: [{ container: 80, protocol: 'tcp' }] }))]);
      const plan = await scorer.score(requestOf(request));
      assert.equal(plan.placements.length, 4_000);
      assert.equal(plan.unplaced.length, 1_000);
      assert.deepEqual(plan, place(request));
    }));

  test(`${name}: nothing to place, and nowhere to place it, are answers`, () =>
    withScorer(async (scorer) => {
      assert.deepEqual(await scorer.score(requestOf(aRequest([aNode('a')], []))), { placements: [], unplaced: [], cursor: -1 });
      const plan = await scorer.score(requestOf(aRequest([], [aGroup(1)])));
      assert.deepEqual(plan.unplaced, [
        { task: 'shop-1', slot: 'shop/web.1', reasons: [{ filter: 'state', nodes: 0, detail: 'no node has joined' }] },
      ]);
    }));

  test(`${name}: a setting that no plan can be made with rejects with the error itself`, () =>
    withScorer(async (scorer) => {
      const answer = scorer.score(requestOf(aRequest([aNode('a')], [aGroup(1)], { epvmBase: 1 })));
      await assert.rejects(answer, (error) => error instanceof CubeError && error.code === 'usage' && /epvmBase/.test(error.message));
      assert.equal((await scorer.score(requestOf(aRequest([aNode('a')], [aGroup(1)])))).placements.length, 1);
    }));

  test(`${name}: after it was closed, once or twice, it still answers`, () =>
    withScorer(async (scorer) => {
      const request = aRequest([aNode('a')], [aGroup(2)]);
      await scorer.score(requestOf(request));
      await Promise.all([scorer.close(), scorer.close()]);
      assert.deepEqual(await scorer.score(requestOf(request)), place(request));
    }));
}
