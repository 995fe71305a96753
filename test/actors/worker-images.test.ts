/** Images that were pulled for tasks: which are noted, and when they go. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { WorkerBook } from '../../actors/worker/book.ts';
import { Images } from '../../actors/worker/images.ts';
import { problem } from '../../src/core/errors.ts';
import { limitsWith } from '../../src/core/limits.ts';
import { noResources } from '../../src/core/resources.ts';
import type { UnusedImage } from '../../src/ports/runtime.ts';
import { memoryDisk, openMemoryStore } from '../../src/store/memory.ts';
import { createWorld } from '../sim/world.ts';

const gigabyte = 1_000_000_000;

/** A worker's images on an engine with these that nobody uses, on a disk of 100 GB with so many free. */
function createBench(unused: UnusedImage[], freeGigabytes: number, percent: number) {
  const world = createWorld({ seed: 1 });
  const disk = memoryDisk();
  const removed: string[] = [];
  const inUse = new Set<string>();
  const messages: string[] = [];
  const note = (message: string): void => void messages.push(message);
  const log = { debug: note, info: note, warn: note, error: note };
  const open = async (): Promise<{ images: Images; book: WorkerBook }> => {
    disk.crash();
    const book = await WorkerBook.open(openMemoryStore({ disk, limits: world.limits, log }), log, () => 'node', world.limits);
    const images = new Images({
      ambient: { clock: world.clock, log },
      limits: limitsWith({ imageDiskPercent: percent }),
      book,
      meter: {
        measure: () =>
          Promise.resolve({
            at: 0,
            used: noResources,
            memory: { totalBytes: 1, availableBytes: 1 },
            disk: { totalBytes: 100 * gigabyte, freeBytes: freeGigabytes * gigabyte },
            cpuTicks: { user: 0, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 },
            load: [0, 0, 0],
          }),
      },
      runtime: {
        unusedImages: () => Promise.resolve(unused),
        removeImage(id) {
          if (id === 'broken') return Promise.reject(problem('engine-error', 'it is held'));
          if (!inUse.has(id)) removed.push(id);
          return Promise.resolve(!inUse.has(id));
        },
      },
    });
    return { images, book };
  };
  return { world, open, removed, inUse, messages };
}

const image = (id: string, name: string): UnusedImage => ({ id, names: [name], sizeBytes: 5 * gigabyte });

test('nothing goes by default, and nothing that was not pulled for a task', async () => {
  const never = createBench([image('i', 'app:1')], 1, 0);
  const first = await never.open();
  first.images.pulled('app:1');
  await first.images.clean();
  assert.deepEqual(never.removed, []);
  const foreign = createBench([image('i', 'app:1')], 1, 50);
  const second = await foreign.open();
  second.images.pulled('other:1');
  second.images.used('app:1');
  await second.images.clean();
  assert.deepEqual(foreign.removed, []);
});

test('what was pulled goes by last use, also after a crash, until the disk has room', async () => {
  const bench = createBench([image('a', 'a:1'), image('b', 'b:1'), image('c', 'c:latest')], 13, 80);
  const { images, book } = await bench.open();
  for (const name of ['a:1', 'b:1', 'c']) {
    await bench.world.clock.pass(1_000);
    images.pulled(name);
  }
  await bench.world.clock.pass(1_000);
  images.used('a:1');
  await images.clean();
  // 87 % full: 7 GB too many, which two images of 5 GB give back.
  assert.deepEqual(bench.removed, ['b', 'c']);
  assert.ok(bench.messages.some((message) => /image b:1 .* was removed: the disk is 87 % full/.test(message)));
  await book.written();
  bench.removed.length = 0;
  const later = await bench.open();
  await later.images.clean();
  assert.deepEqual(bench.removed, ['a']);
});

test('one that is used by now, or cannot be removed, is left, and the next one goes', async () => {
  const bench = createBench([image('used', 'a:1'), image('broken', 'b:1'), image('c', 'c:1')], 1, 50);
  const { images } = await bench.open();
  for (const name of ['a:1', 'b:1', 'c:1']) images.pulled(name);
  bench.inUse.add('used');
  await images.clean();
  assert.deepEqual(bench.removed, ['c']);
  assert.ok(bench.messages.some((message) => /image b:1 could not be removed: it is held/.test(message)));
});
