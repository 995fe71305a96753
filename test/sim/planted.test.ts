/** The simulation proves that it can see: bugs planted on purpose are found within the seeds that every test run goes through. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeeds } from './many-seeds.ts';
import { plantedBugs, type PlantedBug } from './world.ts';

/** How many of the seeds of seeds.test.ts may pass before the bug shows. */
const count = 200;

/** What tells the bug from any other failure. */
const signs: Readonly<Record<PlantedBug, RegExp>> = {
  'no fsync': /promised as|just answered|not on disk/,
  'a dropped acknowledgement': /never acknowledged/,
  'a doubled create': /was made twice/,
};

for (const planted of plantedBugs) {
  test(`a planted bug is found: ${planted}`, async (t) => {
    const runs = await runSeeds({ first: 1, count, planted, stopsAtFailure: true });
    const found = runs.find(({ failure }) => failure !== undefined);
    assert.ok(found, `no seed of ${count} found it`);
    assert.match(found.failure!, signs[planted]);
    t.diagnostic(`found by seed ${found.seed}`);
  });
}
