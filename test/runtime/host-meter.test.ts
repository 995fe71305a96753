import assert from 'node:assert/strict';
import { availableParallelism, tmpdir } from 'node:os';
import { test } from 'node:test';
import { diskOf } from '../../src/runtime/disk.ts';
import { openHostMeter } from '../../src/runtime/host-meter.ts';
import type { MeterOptions } from '../../src/runtime/host-meter.ts';
import { manualClock } from './manual-clock.ts';

const cores = availableParallelism();
type Times = { user: number; nice: number; sys: number; idle: number; irq: number };

/** A meter that reads these counters, one after another. */
function meterOf(...counts: Partial<Times>[]): ReturnType<typeof openHostMeter> {
  const zero = { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 };
  const readCpus: MeterOptions['readCpus'] = () => [{ times: { ...zero, ...counts.shift() } }];
  return openHostMeter({ clock: manualClock(42), diskPath: tmpdir(), readCpus });
}

test('a first measurement knows memory and disk, and guesses the cpu from the load', async () => {
  const { at, cpuPercent, used, memory, disk, load } = await openHostMeter({ clock: manualClock(42), diskPath: tmpdir() }).measure();
  assert.equal(at, 42);
  assert.equal(cpuPercent, null);
  assert.equal(used.cpu, Math.min(load[0], cores));
  assert.ok(memory.totalBytes > memory.availableBytes && memory.availableBytes > 0);
  assert.equal(used.memoryBytes, memory.totalBytes - memory.availableBytes);
  assert.ok(disk.totalBytes >= disk.freeBytes && disk.freeBytes > 0);
  assert.equal(used.diskBytes, disk.totalBytes - disk.freeBytes);
});

test('a second measurement tells the shares since the first', async () => {
  const meter = meterOf({ user: 100, idle: 1_000 }, { user: 120, nice: 10, sys: 15, irq: 5, idle: 1_050 });
  await meter.measure();
  const { cpuPercent, used } = await meter.measure();
  assert.deepEqual(cpuPercent, { user: 30, system: 20, idle: 50 });
  assert.equal(used.cpu, cores / 2);
});

test('counters that stand still or go back give no nonsense', async () => {
  const meter = meterOf({ user: 100, idle: 1_000 }, { user: 100, idle: 1_000 }, { user: 110, idle: 990 });
  await meter.measure();
  assert.equal((await meter.measure()).cpuPercent, null);
  assert.deepEqual((await meter.measure()).cpuPercent, { user: 100, system: 0, idle: 0 });
});

test('a path that does not exist has no disk', async () => {
  await assert.rejects(diskOf('/nonexistent'), { code: 'ENOENT' });
});
