import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { simulate } from '../../src/boot/simulate.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { projectRoot } from '../support/tidy/layout.ts';

const folder = join(process.env['CUBE_DATA_SETS'] ?? join(projectRoot(import.meta.dirname), '..', 'shared', 'data'), 'openb');
const skip = existsSync(folder) ? false : `the openb traces are not in ${folder}; CUBE_DATA_SETS names another place`;

/** Two of the ten seeds of `npm run bench:openb`, so that whoever changes a policy or the protocol hears of it. */
async function allocated(workload: string): Promise<Readonly<Record<string, number>>> {
  const { nodes, capacity, policies } = await simulate({
    nodesFile: join(folder, 'openb_node_list_gpu_node.csv'),
    tasksFile: join(folder, `openb_pod_list_${workload}.csv`),
    policies: ['random', 'bestfit', 'epvm', 'refill'],
    fill: 130,
    seeds: 2,
    limits: limitsDefault,
  });
  assert.deepEqual([nodes, capacity['gpu']], [1_213, 6_212]);
  return Object.fromEntries(policies.map(({ policy, utilisation }) => [policy, utilisation['gpu']! * 100]));
}

test("openb's default workload is packed as published by random and best fit, and better by Cube's policies", { skip }, async () => {
  const { random, bestfit, epvm, refill } = await allocated('default');
  assert.ok(Math.abs(random! - 87.47) < 0.8 && Math.abs(bestfit! - 93.08) < 0.8, `random ${random}, best fit ${bestfit}`);
  assert.ok(epvm! > 94.5, `epvm ${epvm}`);
  assert.ok(refill! > 95.39, `refill ${refill}`);
});

test("openb's cpu250 workload is packed better than by fragmentation gradient descent", { skip }, async () => {
  const { random, bestfit, refill } = await allocated('cpu250');
  assert.ok(Math.abs(random! - 80.42) < 0.8 && Math.abs(bestfit! - 91.45) < 0.8, `random ${random}, best fit ${bestfit}`);
  assert.ok(refill! > 93.41, `refill ${refill}`);
});
