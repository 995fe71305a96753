import assert from 'node:assert/strict';
import test from 'node:test';
import { changedImages, movingImages, registryDigestOf, stampOf } from '../../src/core/image-digests.ts';
import type { JobRecord } from '../../src/core/job.ts';
import { hashesOf } from '../../src/core/spec-hash.ts';
import { submission } from '../../src/core/submission.ts';
import type { TaskRecord } from '../../src/core/task.ts';
import { service } from '../sim/scripts.ts';

const image = 'runs';
const spec = service('shop', image, 2);
const origin = { kind: 'file' } as const;

function job(changes: Partial<JobRecord> = {}): JobRecord {
  return { ...submission(undefined, { spec, origin }, 1, () => 1).job, status: 'running', ...changes };
}

/** A record of the job's task. */
function ran(digest: string | undefined, changes: Partial<TaskRecord> = {}): TaskRecord {
  const [task] = Object.keys(spec.tasks);
  return { task, image, specHash: hashesOf(spec)[task!], state: 'running', digest, ...changes } as TaskRecord;
}

const fresh = { [image]: { digest: 'sha256:new', isLocal: false } };

test('an image has changed when running tasks say that it was another, also if it is only one of them', () => {
  const same = [ran('sha256:new'), ran('sha256:new')];
  assert.deepEqual(changedImages(job(), same, fresh), {});
  assert.deepEqual(changedImages(job(), [...same, ran('sha256:old')], fresh), { [image]: 'sha256:new' });
});

test('a stamp counts more than what runs: a roll-out that is under way is not begun again', () => {
  const known = job({ stamps: { digests: { [image]: 'sha256:new' } } });
  assert.deepEqual(changedImages(known, [ran('sha256:old')], fresh), {});
  assert.deepEqual(changedImages(known, [], { [image]: { digest: 'sha256:newer', isLocal: false } }), { [image]: 'sha256:newer' });
});

test('what was taken from a node is the same by its digest, and is nothing that another node could get', () => {
  const local = { digest: 'sha256:new', isLocal: true };
  const known = job({ stamps: { digests: { [image]: stampOf(local) } } });
  assert.deepEqual(changedImages(known, [], fresh), {});
  assert.equal(registryDigestOf(stampOf(local)), undefined);
  assert.equal(registryDigestOf(stampOf({ ...local, isLocal: false })), 'sha256:new');
  assert.equal(registryDigestOf(undefined), undefined);
});

test('where nothing tells what it was, it is a change: a new job, tasks that have not run, tasks of other versions, failed ones', () => {
  for (const [known, tasks] of [
    [undefined, []],
    [job(), [ran(undefined)]],
    [job(), [ran('sha256:new', { specHash: 'another' })]],
    [job(), [ran('sha256:new', { state: 'failed' })]],
    [job(), [ran('sha256:new', { image: 'another' })]],
  ] as const) {
    assert.deepEqual(changedImages(known, tasks, fresh), { [image]: 'sha256:new' });
  }
  assert.deepEqual(changedImages(job(), [ran('sha256:new', { state: 'completed' })], fresh), {});
});

test('an image that nothing was found out of is left as it is', () => {
  assert.deepEqual(changedImages(job(), [ran('sha256:old')], {}), {});
});

test('images with a digest in their name do not move; others are asked for once', () => {
  const task = spec.tasks['main'] ?? Object.values(spec.tasks)[0]!;
  const tasks = { a: task, b: { ...task }, c: { ...task, image: 'repo/x@sha256:abc' }, d: { ...task, image: 'repo/x:1' } };
  assert.deepEqual(movingImages({ ...spec, tasks }), [image, 'repo/x:1']);
});

test('a submit with a new stamp replaces the containers and keeps the version; the same once more changes nothing', () => {
  const known = job();
  const digests = { [image]: 'sha256:new' };
  const first = submission(known, { spec, origin, digests }, 5, () => 9);
  assert.equal(first.change, 'updated');
  assert.deepEqual([first.job.version, first.job.index, first.job.stamps], [known.version, 9, { digests }]);
  assert.notDeepEqual(first.job.hashes, known.hashes);
  assert.equal(first.job.deployment?.state, 'rolling');
  assert.equal(submission(first.job, { spec, origin }, 6, () => 10).change, 'unchanged');
  // Nor does a changed file lose it.
  const changed = submission(first.job, { spec: { ...spec, labels: { a: 'b' } }, origin }, 6, () => 10);
  assert.deepEqual([changed.change, changed.job.stamps], ['updated', { digests }]);
});

test('stamps of other kinds stay, and a stopped job starts with the new one', () => {
  const known = job({ stopWanted: true, stamps: { restarts: 2, digests: { other: 'sha256:o' } } });
  const { change, job: started } = submission(known, { spec, origin, digests: { [image]: 'sha256:new' } }, 5, () => 9);
  assert.equal(change, 'started');
  assert.deepEqual(started.stamps, { restarts: 2, digests: { other: 'sha256:o', [image]: 'sha256:new' } });
  assert.deepEqual(started.hashes, hashesOf(spec, started.stamps));
});
