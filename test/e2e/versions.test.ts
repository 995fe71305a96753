/** Versions of a job: many of them in a hurry, the history, going back, and who submits over a state that he did not see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJobFile } from '../../src/core/job-file/index.ts';
import { label } from '../../src/core/ids.ts';
import { limitsDefault } from '../../src/core/limits.ts';
import { testEngine } from '../support/engine.ts';
import { sharedNode, type NodeProcess } from '../support/node-process.ts';
import { assertOneEach, containers, document, done, eventually, inspect, running, sleeper, submit } from './help.ts';

const { skip } = await testEngine();
/** Ended containers are kept for a while elsewhere: here what is left is to be what was asked for, and nothing else. */
const theNode = sharedNode({
  args: ['deadContainersMax=0', 'sweepMs=1000', 'sweepMsMin=200', 'retireParallelMax=8'].flatMap((limit) => ['--limit', limit]),
});
const plainNode = sharedNode({ args: ['--runtime', 'process'] });

interface Version {
  readonly version: number;
  readonly cause: string;
  readonly isCurrent: boolean;
  readonly diff: readonly { readonly path: readonly (string | number)[] | string }[];
}

async function historyOf(node: NodeProcess, job: string): Promise<readonly Version[]> {
  return document(done(await node.cube(['history', job, '-o', 'json'])).stdout) as readonly Version[];
}

/** Waits until as many containers of the cluster as the job wants are left, running or not, all with this in their environment. */
async function onlyWith(node: NodeProcess, job: string, count: number, variable: string): Promise<void> {
  const [one] = await eventually('something runs', async () => {
    const list = await running(node, job);
    return list.length > 0 && list;
  });
  const cluster = one!.Labels[label.cluster]!;
  const list = () => containers({ [label.cluster]: cluster, [label.job]: job });
  // An engine takes its time to remove many: as long as there are fewer and fewer, that is no reason to give up.
  let left = await list();
  while (left.length !== count) {
    const before = left.length;
    left = await eventually(`other than ${before} containers are left`, async () => {
      const now = await list();
      return now.length !== before && now;
    });
  }
  left = await eventually(`all ${count} are those that are wanted`, async () => {
    const now = await list();
    const found = await Promise.all(now.map(({ Id }) => inspect(Id).catch(() => undefined)));
    return now.length === count && found.every((container) => container?.Config.Env.includes(variable)) && now;
  });
  assertOneEach(left);
  assert.ok(left.every(({ State }) => State === 'running'));
}

const versions = 100;
const instances = 3;
const version = (at: number): string => sleeper('many', `count: ${instances}, env: {V: "v${at}"}`);

test(`${versions} versions in a hurry end at the last, with no stray container`, { skip }, async () => {
  const node = await theNode();
  const client = node.client();
  for (let at = 1; at <= versions; at++) {
    const { change, job } = await client.submit({ job: parseJobFile(version(at), 'test', limitsDefault).document });
    assert.deepEqual([change, job.version], [at === 1 ? 'created' : 'updated', at]);
  }
  // The same once more waits for it, and makes no version.
  await submit(node, version(versions));
  await onlyWith(node, 'many', instances, `V=v${versions}`);
  const { jobs } = await client.status({ job: 'many' });
  assert.deepEqual([jobs[0]?.version, jobs[0]?.status, jobs[0]?.deployment?.state], [versions, 'running', 'succeeded']);

  const kept = await historyOf(node, 'many');
  const newest = Array.from({ length: limitsDefault.jobVersionsMax }, (_, at) => versions - at);
  assert.deepEqual(
    kept.slice(0, newest.length).map((one) => one.version),
    newest,
  );
  // Beside the newest there are only those that a slot's records were made from when the last one came.
  const recordsMax = instances * (limitsDefault.finalRecordsPerSlotMax + 2);
  assert.ok(kept.length <= newest.length + recordsMax, `${kept.length} are kept`);
  assert.deepEqual(
    kept.filter(({ isCurrent }) => isCurrent).map((one) => one.version),
    [versions],
  );
  assert.match(JSON.stringify(kept[0]?.diff), /"v99".*"v100"/);

  const forgotten = Array.from({ length: versions }, (_, at) => at + 1).find((at) => kept.every((one) => one.version !== at));
  assert.equal((await node.cube(['rollback', 'many', String(forgotten)])).code, 4, `version ${forgotten} is kept`);
  done(await node.cube(['rollback', 'many', '70']));
  await onlyWith(node, 'many', instances, 'V=v70');
  const [now] = await historyOf(node, 'many');
  assert.deepEqual([now?.version, now?.cause, now?.isCurrent], [versions + 1, 'rolled back to version 70', true]);
  done(await node.cube(['stop', 'many', '--purge']));
  await eventually('nothing is left', async () => (await containers({ [label.node]: node.nodeId, [label.job]: 'many' })).length === 0);
});

test('a submit, a scale and a rollback over a state that is newer than the one seen are refused with 5', async () => {
  const node = await plainNode();
  const job = (mode: string): string =>
    `name: shop\ntasks: {web: {image: none, command: [/bin/sleep, "10000"], env: {MODE: ${mode}}, stopGrace: 0s}}`;
  await submit(node, job('one'), '--check-index', '0');
  const seen = String((await node.client().status({ job: 'shop' })).jobs[0]!.index);
  const both = await Promise.all(
    ['two', 'three'].map((mode) => node.cube(['submit', '-', '--detach', '--check-index', seen], { input: job(mode) })),
  );
  assert.deepEqual(
    both.map(({ code }) => code).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    [0, 5],
    both.map(({ stderr }) => stderr).join('\n'),
  );
  assert.match(both.find(({ code }) => code === 5)!.stderr, /expected at index \d+, but it is at index \d+/);
  assert.equal((await node.cube(['scale', 'shop/web=2', '--check-index', seen])).code, 5);
  await eventually('the winner runs', async () => (await node.client().status({ job: 'shop' })).jobs[0]?.status === 'running');
  const history = await historyOf(node, 'shop');
  assert.deepEqual(
    history.map((one) => [one.version, one.cause]),
    [
      [2, 'submitted'],
      [1, 'submitted'],
    ],
  );
  // Without a number it goes back to the last good one.
  done(await node.cube(['rollback', 'shop']));
  assert.deepEqual((await historyOf(node, 'shop')).at(0)?.cause, 'rolled back to version 1');
  assert.equal((await node.cube(['rollback', 'shop', '3'])).code, 5, 'it is at that version');
  assert.equal((await node.cube(['rollback', 'nobody'])).code, 4);
});
