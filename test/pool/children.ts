/** A process that scores and must then end by itself; its argument says how far it goes before. Started by pool.test.ts. */
import { limitsWith } from '../../src/core/limits.ts';
import { openPool } from '../../src/pool/pool.ts';
import { aGroup, aNode, aRequest, requestOf } from '../scheduling/build.ts';
import { mood } from './workers/moody.ts';

const [, , how, workerUrl] = process.argv;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const pool = openPool({ limits: limitsWith({ poolIdleMs: 600_000, scoreMs: 600_000 }), log, workerUrl });
const request = requestOf(aRequest([aNode('a')], [aGroup(1)]));
const plan = await pool.score(request);
if (how === 'closes') await pool.close();
if (how === 'closes-under-way') {
  const answer = pool.score({ ...request, cursor: mood.loops });
  await pool.close();
  await answer;
}
process.stdout.write(`scored ${plan.placements.length} with ${plan.cursor}\n`);
