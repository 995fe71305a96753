/** What a manager warns about at a submit, from the nodes it knows. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CubeError } from '../../src/core/errors.ts';
import type { JobSpec } from '../../src/core/job.ts';
import { jobOf } from '../core/job-files.ts';
import { createManagerBench, type ManagerBench } from './manager-bench.ts';

function job(constraint: string, name = 'shop'): JobSpec {
  return jobOf(JSON.stringify({ name, tasks: { web: { image: 'runs', constraints: [constraint] } } }));
}

async function warnings(bench: ManagerBench, spec: JobSpec, strict = false): Promise<readonly string[]> {
  const answer = await bench.answer(bench.control.submit({ spec, origin: { kind: 'file' }, strict }));
  return answer.warnings;
}

test('a constraint that no node meets is warned about, and the job is taken all the same', async () => {
  const bench = createManagerBench();
  await bench.start();
  assert.deepEqual(await warnings(bench, job('arch == arm64', 'first')), [], 'no node is known yet');
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  await bench.pass(100);
  const spec = job('arch == arm64');
  const said = ['task web: no node has arch == arm64; there is only x64'];
  assert.deepEqual(await warnings(bench, spec), said);
  assert.deepEqual(bench.host.mirror.jobs.get('shop')?.spec, spec);
  assert.deepEqual(await warnings(bench, spec), said, 'and again when nothing has changed');
  for (const constraint of ['name == w1', 'datacenter == dc1', 'os == linux', 'docker.version not exists', 'cpu.model not exists']) {
    assert.deepEqual(await warnings(bench, job(constraint)), [], constraint);
  }
});

test('a node that is down is known still', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join());
  worker.leave();
  await bench.pass(20_000);
  assert.equal(bench.host.mirror.nodes.get(worker.id)?.state, 'down');
  assert.deepEqual(await warnings(bench, job('name == w1')), []);
  assert.deepEqual(await warnings(bench, job('name == w2')), ['task web: no node has name == w2; there is only w1']);
});

test('a directory of the host that no node allows is warned about in a submit and a plan, and refused where that is strict', async () => {
  const bench = createManagerBench();
  await bench.start();
  const worker = bench.worker('w1');
  await bench.answer(worker.join({ facts: { ...worker.facts, features: ['volumes', 'files'], mounts: ['/srv'] } }));
  const mounting = (path: string): JobSpec =>
    jobOf(JSON.stringify({ name: 'shop', tasks: { web: { image: 'runs', volumes: [`${path}:/x`] } } }));
  const plan = (path: string, strict: boolean) =>
    bench.answer(bench.control.plan({ spec: mounting(path), origin: { kind: 'file' }, strict }));
  const said = ['task web: no node allows /etc (cube up --allow-mount /etc)'];
  assert.deepEqual((await plan('/etc', false)).warnings, said);
  for (const refused of [plan('/etc', true), warnings(bench, mounting('/etc'), true)])
    await assert.rejects(
      refused,
      (thrown: unknown) => thrown instanceof CubeError && thrown.code === 'invalid-file' && thrown.message === said[0],
    );
  assert.equal(bench.host.mirror.jobs.size, 0);
  assert.deepEqual(await warnings(bench, mounting('/etc')), said);
  assert.deepEqual(await warnings(bench, mounting('/srv/site'), true), []);
});

test('a strict submit is refused with all warnings, and changes nothing', async () => {
  const bench = createManagerBench();
  await bench.start();
  await bench.answer(bench.worker('w1').join());
  await assert.rejects(warnings(bench, job('label.disk == ssd'), true), (thrown: unknown) => {
    assert.ok(thrown instanceof CubeError && thrown.code === 'invalid-file');
    assert.deepEqual(thrown.problems, [{ message: 'task web: no node has the label disk' }]);
    assert.match(thrown.hint, /--strict/);
    return true;
  });
  assert.equal(bench.host.mirror.jobs.size, 0);
  assert.deepEqual(await warnings(bench, job('os == linux'), true), []);
});
