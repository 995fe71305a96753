import assert from 'node:assert/strict';
import { availableParallelism, tmpdir } from 'node:os';
import { test } from 'node:test';
import { diskOf } from '../../src/runtime/disk.ts';
import type { CpuTicks } from '../../src/core/node.ts';
import { openHostMeter, parseTicks } from '../../src/runtime/host-meter.ts';
import { manualClock } from './manual-clock.ts';

const cores = availableParallelism();
const none: CpuTicks = { user: 0, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 };

/** A meter that reads these counters, one after another. */
function meterOf(...counts: Partial<CpuTicks>[]): ReturnType<typeof openHostMeter> {
  return openHostMeter({ clock: manualClock(42), diskPath: tmpdir(), readTicks: async () => ({ ...none, ...counts.shift() }) });
}

test('a first measurement knows memory and disk, and guesses the cpu from the load', async () => {
  const { at, cpuTicks, used, memory, disk, load } = await openHostMeter({ clock: manualClock(42), diskPath: tmpdir() }).measure();
  assert.equal(at, 42);
  assert.ok(cpuTicks.user > 0 && cpuTicks.idle > 0);
  assert.equal(used.cpu, Math.min(load[0], cores));
  assert.ok(memory.totalBytes > memory.availableBytes && memory.availableBytes > 0);
  assert.equal(used.memoryBytes, memory.totalBytes - memory.availableBytes);
  assert.ok(disk.totalBytes >= disk.freeBytes && disk.freeBytes > 0);
  assert.equal(used.diskBytes, disk.totalBytes - disk.freeBytes);
});

test('a second measurement tells what was used since the first; waiting for a disk is no use', async () => {
  const meter = meterOf(
    { user: 100, idle: 1_000 },
    { user: 120, nice: 10, system: 10, irq: 5, softirq: 4, steal: 1, idle: 1_040, iowait: 10 },
  );
  await meter.measure();
  const { cpuTicks, used } = await meter.measure();
  assert.equal(used.cpu, cores / 2);
  assert.equal(cpuTicks.user, 120, 'counted since the host started');
});

test('counters that stand still or go back give no nonsense', async () => {
  const meter = meterOf({ user: 100, idle: 1_000 }, { user: 100, idle: 1_000 }, { user: 110, idle: 990 });
  await meter.measure();
  const { used, load } = await meter.measure();
  assert.equal(used.cpu, Math.min(load[0], cores));
  assert.equal((await meter.measure()).used.cpu, cores);
});

test("the kernel's line of all cores is read, of an old kernel too", () => {
  const text = 'cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n';
  assert.deepEqual(parseTicks(text), { user: 10, nice: 20, system: 30, idle: 40, iowait: 50, irq: 60, softirq: 70, steal: 80 });
  assert.deepEqual(parseTicks('cpu  1 2 3 4\n'), { ...none, user: 1, nice: 2, system: 3, idle: 4 });
});

test('a path that does not exist has no disk', async () => {
  await assert.rejects(diskOf('/nonexistent'), { code: 'ENOENT' });
});
