/** What a worker cleans up, decided from what is there and what is known: mostly what it must never touch. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { imageTag, sortContainers, surplusImages, surplusOutput, type KnownTask, type PresentContainer } from '../../src/core/cleaning.ts';

const now = 100_000_000;
const limits = { deadContainersMax: 3, deadContainerAgeMs: 10_000, keptAttemptsMax: 2, keptLogsBytesMax: 1_000, keptLogsAgeMs: 50_000 };

const ids = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'];
const tasks = ['t1', 't2', 't3'];
const anyContainer = fc.record({
  taskId: fc.constantFrom(...tasks, 'nobody'),
  attempt: fc.integer({ min: 1, max: 4 }),
  state: fc.constantFrom('created' as const, 'running' as const, 'exited' as const),
  createdAt: fc.integer({ min: now - 30_000, max: now }),
  finishedAt: fc.option(fc.integer({ min: now - 30_000, max: now }), { nil: undefined }),
});
const anyContainers: fc.Arbitrary<PresentContainer[]> = fc
  .array(anyContainer, { maxLength: ids.length })
  .map((list) => list.map(({ finishedAt, ...one }, at) => ({ ...one, id: ids[at]!, ...(finishedAt === undefined ? {} : { finishedAt }) })));
const anyTask: fc.Arbitrary<KnownTask> = fc
  .record({
    isOver: fc.boolean(),
    attempt: fc.integer({ min: 1, max: 4 }),
    containerId: fc.option(fc.constantFrom(...ids), { nil: undefined }),
    endedContainerId: fc.option(fc.constantFrom(...ids), { nil: undefined }),
  })
  .map(({ containerId, endedContainerId, ...task }) => ({
    ...task,
    ...(containerId === undefined ? {} : { containerId }),
    ...(endedContainerId === undefined ? {} : { endedContainerId }),
  }));
const anyTasks = fc.dictionary(fc.constantFrom(...tasks), anyTask).map((known) => new Map(Object.entries(known)));

test('whatever is there, each container is in one list at most, and only what was given is in any', () => {
  fc.assert(
    fc.property(anyContainers, anyTasks, (containers, known) => {
      const { dead, strays, orphans } = sortContainers(containers, known, now, limits);
      const all = [...dead, ...strays, ...orphans];
      assert.equal(new Set(all).size, all.length);
      for (const one of all) assert.ok(containers.includes(one));
    }),
    { seed: 1 },
  );
});

test('the container of a live task is never touched, nor the one before it, nor one that may just be made', () => {
  fc.assert(
    fc.property(anyContainers, anyTasks, (containers, known) => {
      const { dead, strays, orphans } = sortContainers(containers, known, now, limits);
      for (const one of [...dead, ...strays, ...orphans]) {
        const task = known.get(one.taskId);
        if (task === undefined || task.isOver) continue;
        assert.notEqual(one.id, task.containerId);
        assert.notEqual(one.id, task.endedContainerId);
        assert.ok(one.attempt < task.attempt || task.containerId !== undefined);
      }
    }),
    { seed: 2 },
  );
});

test('what nobody knows is an orphan, whatever its state, and nothing else is', () => {
  fc.assert(
    fc.property(anyContainers, anyTasks, (containers, known) => {
      const { orphans } = sortContainers(containers, known, now, limits);
      assert.deepEqual(
        orphans,
        containers.filter(({ taskId }) => !known.has(taskId)),
      );
    }),
    { seed: 3 },
  );
});

test('nothing that runs is dead, and what is left of ended tasks is young and few', () => {
  fc.assert(
    fc.property(anyContainers, anyTasks, (containers, known) => {
      const { dead, strays } = sortContainers(containers, known, now, limits);
      assert.ok(dead.every(({ state }) => state !== 'running'));
      const ended = containers.filter((one) => known.get(one.taskId)?.isOver && !dead.includes(one) && !strays.includes(one));
      assert.ok(ended.length <= limits.deadContainersMax);
      for (const one of ended) assert.ok(now - (one.finishedAt ?? one.createdAt) <= limits.deadContainerAgeMs);
    }),
    { seed: 4 },
  );
});

test('of too many dead containers the oldest go', () => {
  const over = { isOver: true, attempt: 1 };
  const containers = ids.map((id, at) => ({ id, taskId: id, attempt: 1, state: 'exited' as const, createdAt: 0, finishedAt: now - at }));
  const { dead } = sortContainers(containers, new Map(ids.map((id) => [id, over])), now, limits);
  assert.deepEqual(dead.map(({ id }) => id).toSorted(), ['c4', 'c5', 'c6']);
});

test('an end that the engine dates to nothing counts from the making', () => {
  const one = { id: 'c', taskId: 't', attempt: 1, state: 'exited' as const, createdAt: now - 5_000, finishedAt: 0 };
  const known = new Map([['t', { isOver: true, attempt: 1 }]]);
  assert.deepEqual(sortContainers([one], known, now, limits).dead, []);
  assert.deepEqual(sortContainers([one], known, now + 6_000, limits).dead, [one]);
});

test('kept output: the last attempts of a known task, young, and no more in all than allowed', () => {
  const anyKept = fc.uniqueArray(
    fc.record({
      taskId: fc.constantFrom(...tasks, 'gone'),
      attempt: fc.integer({ min: 1, max: 9 }),
      bytes: fc.integer({ min: 0, max: 600 }),
      keptAt: fc.integer({ min: now - 60_000, max: now }),
    }),
    { selector: ({ taskId, attempt }) => `${taskId} ${attempt}`, maxLength: 20 },
  );
  fc.assert(
    fc.property(anyKept, (kept) => {
      const surplus = surplusOutput(kept, (id) => id !== 'gone', now, limits);
      const stays = kept.filter((one) => !surplus.includes(one));
      assert.equal(new Set(surplus).size, surplus.length);
      assert.ok(stays.reduce((sum, { bytes }) => sum + bytes, 0) <= limits.keptLogsBytesMax);
      for (const one of stays) {
        assert.notEqual(one.taskId, 'gone');
        assert.ok(now - one.keptAt <= limits.keptLogsAgeMs);
        const later = kept.filter(({ taskId, attempt }) => taskId === one.taskId && attempt > one.attempt);
        assert.ok(later.length < limits.keptAttemptsMax);
      }
      // Nothing goes without a reason: with room for all, only what is gone, old or beyond the attempts.
      if (kept.reduce((sum, { bytes }) => sum + bytes, 0) > limits.keptLogsBytesMax) return;
      for (const one of surplus) {
        const later = kept.filter(({ taskId, attempt }) => taskId === one.taskId && attempt > one.attempt);
        assert.ok(one.taskId === 'gone' || now - one.keptAt > limits.keptLogsAgeMs || later.length >= limits.keptAttemptsMax);
      }
    }),
    { seed: 5 },
  );
});

const disk = { totalBytes: 1_000, freeBytes: 100 };
const image = (id: string, names: readonly string[], sizeBytes = 50) => ({ id, names, sizeBytes });

test('no image goes unless the user set a threshold and the disk is fuller', () => {
  const idle = [image('i1', ['nginx:latest'])];
  const pulled = new Map([['nginx', 1]]);
  assert.deepEqual(surplusImages(idle, pulled, disk, 0), []);
  assert.deepEqual(surplusImages(idle, pulled, disk, 90), []);
  assert.deepEqual(surplusImages(idle, pulled, { totalBytes: 0, freeBytes: 0 }, 1), []);
  assert.deepEqual(surplusImages(idle, pulled, disk, 89), idle);
});

test('only images that were pulled for tasks go, under all their names; the longest unused first, until there is room', () => {
  const idle = [
    image('young', ['a:1']),
    image('old', ['b:1', 'b@sha256:0123']),
    image('foreign', ['c:1']),
    image('shared', ['d:1', 'mine:latest']),
    image('nameless', ['<none>:<none>']),
    image('middle', ['e:1']),
  ];
  const pulled = new Map([
    ['a:1', 300],
    ['b:1', 100],
    ['d:1', 50],
    ['e:1', 200],
  ]);
  const gone = (percent: number): string[] => surplusImages(idle, pulled, disk, percent).map(({ id }) => id);
  assert.deepEqual(gone(1), ['old', 'middle', 'young']);
  assert.deepEqual(gone(85), ['old']);
  assert.deepEqual(gone(84), ['old', 'middle']);
});

test('names of images mean the same however they are written', () => {
  const cases = [
    ['nginx', 'nginx:latest'],
    ['docker.io/library/nginx:1.27', 'nginx:1.27'],
    ['index.docker.io/me/app', 'me/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['localhost:5000/app:2', 'localhost:5000/app:2'],
    ['app@sha256:00ff', 'app@sha256:00ff'],
  ] as const;
  for (const [name, tag] of cases) assert.equal(imageTag(name), tag);
});
