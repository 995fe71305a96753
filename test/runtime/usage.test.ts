import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type Docker from 'dockerode';
import { Cores } from '../../src/runtime/cores.ts';
import { countedOf } from '../../src/runtime/docker/usage.ts';
import { groupUsages } from '../../src/runtime/process/usage.ts';
import { begin } from '../contracts/runtime-exec.ts';
import { plainSpec, started, workOf } from '../contracts/runtime-harness.ts';
import { skip, withDocker } from './docker-help.ts';
import { manualClock } from './manual-clock.ts';
import { withProcesses } from './process-help.ts';

const busy = ['sh', '-c', 'while :; do :; done'];

test('cores are what was counted over the time between', () => {
  let atMs = 0;
  const cores = new Cores({ ...manualClock(0), monotonic: () => atMs });
  assert.equal(cores.since('a', 10), null);
  atMs = 2_000;
  assert.equal(cores.since('a', 13), 1.5);
  assert.equal(cores.since('a', 13), null, 'no time has passed');
  atMs = 4_000;
  assert.equal(cores.since('a', 1), null, 'started anew');
  atMs = 5_000;
  assert.equal(cores.since('a', 1), 0);
  cores.keep(new Set());
  assert.equal(cores.since('a', 5), null, 'forgotten');
});

test('a busy container uses processor, memory and network', { skip }, async () => {
  await withDocker(async ({ runtime }) => {
    const work = workOf(plainSpec({ command: busy }));
    await started(runtime, work);
    const [first] = await runtime.usage();
    assert.deepEqual([first?.taskId, first?.cpu], [work.order.id, null]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [second] = await runtime.usage();
    assert.ok(second?.cpu && second.cpu > 0.01, String(second?.cpu));
    assert.ok(second.memoryBytes > 4_096 && second.memoryBytes < 2 ** 30, String(second.memoryBytes));
    assert.ok(second.networkInBytes !== null && second.networkOutBytes !== null);
  });
});

test("the kernel's files and the engine's statistics say the same", { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await started(runtime, workOf(plainSpec({ command: ['sleep', '1000'] })));
    const [read] = await runtime.usage();
    const asked = countedOf(await docker.getContainer(ref.id).stats({ stream: false, 'one-shot': true }));
    assert.ok(read && asked?.network);
    assert.ok(Math.abs(read.memoryBytes - asked.memoryBytes) < 2 ** 20, `${read.memoryBytes} and ${asked.memoryBytes}`);
    assert.ok(asked.cpuSeconds > 0);
    assert.ok(read.networkInBytes! <= asked.network.inBytes && asked.network.inBytes > 0);
  });
});

test('a container that was restarted by hand is measured under its new process', { skip }, async () => {
  await withDocker(async ({ runtime, docker }) => {
    const ref = await started(runtime, workOf(plainSpec({ command: ['sleep', '1000'] })));
    assert.equal((await runtime.usage()).length, 1);
    await docker.getContainer(ref.id).restart({ t: 0 });
    const [again] = await runtime.usage();
    assert.ok(again && again.networkInBytes !== null);
  });
});

test("the engine's statistics in both versions' words; those of an ended container are none", () => {
  const stats = (of: Readonly<Record<string, unknown>>): Partial<Docker.ContainerStats> => of;
  const cpu_stats = { cpu_usage: { total_usage: 3e9 } };
  const networks = { eth0: { rx_bytes: 5, tx_bytes: 6 }, eth1: { rx_bytes: 1, tx_bytes: 2 } };
  assert.deepEqual(
    countedOf(stats({ cpu_stats, memory_stats: { usage: 100, stats: { total_inactive_file: 30, inactive_file: 1 } }, networks })),
    {
      cpuSeconds: 3,
      memoryBytes: 70,
      network: { inBytes: 6, outBytes: 8 },
    },
  );
  assert.deepEqual(countedOf(stats({ cpu_stats, memory_stats: { usage: 100, stats: { inactive_file: 40 } } })), {
    cpuSeconds: 3,
    memoryBytes: 60,
    network: null,
  });
  assert.equal(countedOf(stats({ cpu_stats, memory_stats: {} })), undefined);
  assert.equal(countedOf(stats({})), undefined);
});

test('a group of processes is measured as one, with what has ended of it', () => {
  const root = mkdtempSync(join(tmpdir(), 'cube-proc-'));
  const put = (pid: number, group: number, ticks: readonly number[], residentKb: number): void => {
    mkdirSync(join(root, 'proc', String(pid)), { recursive: true });
    const [user, system, childUser, childSystem] = ticks;
    const stat = `${pid} (a ) b) S 1 ${group} ${group} 0 -1 4194304 0 0 0 0 ${user} ${system} ${childUser} ${childSystem} 20 0 1 0 55 0 0`;
    writeFileSync(join(root, 'proc', String(pid), 'stat'), stat);
    writeFileSync(join(root, 'proc', String(pid), 'status'), `Name:\ta\nVmRSS:\t   ${residentKb} kB\n`);
  };
  try {
    let atMs = 0;
    const cores = new Cores({ ...manualClock(0), monotonic: () => atMs });
    const groups = [
      { id: 'x', taskId: 't', leader: 10 },
      { id: 'gone', taskId: 'u', leader: 99 },
    ];
    put(10, 10, [100, 0, 50, 0], 4);
    put(11, 10, [10, 20, 0, 0], 8);
    put(12, 12, [9_999, 0, 0, 0], 999);
    mkdirSync(join(root, 'proc', '13'));
    assert.deepEqual(groupUsages(groups, cores, root), [
      { taskId: 't', cpu: null, memoryBytes: 12 * 1_024, networkInBytes: null, networkOutBytes: null },
    ]);
    atMs = 1_000;
    put(11, 10, [60, 20, 0, 0], 8);
    assert.equal(groupUsages(groups, cores, root)[0]?.cpu?.toFixed(6), '0.500000');
    assert.deepEqual(groupUsages(groups, cores, join(root, 'nothing')), []);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a busy process uses processor and memory, its neighbours from exec not counted', { skip: process.platform !== 'linux' }, async () => {
  await withProcesses(async ({ runtime }) => {
    const calm = workOf(plainSpec({ command: ['sleep', '1000'] }));
    const loud = workOf(plainSpec({ command: busy }));
    const ref = await started(runtime, calm);
    await started(runtime, loud);
    const abort = new AbortController();
    const session = await begin(runtime, ref, busy, { signal: abort.signal });
    await runtime.usage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const usages = new Map((await runtime.usage()).map((usage) => [usage.taskId, usage]));
    abort.abort();
    await assert.rejects(session.exitCode, { name: 'AbortError' });
    const [quiet, noisy] = [usages.get(calm.order.id), usages.get(loud.order.id)];
    assert.ok(noisy?.cpu && noisy.cpu > 0.01 && noisy.memoryBytes > 100_000, JSON.stringify(noisy));
    assert.ok(quiet && quiet.cpu !== null && quiet.cpu < noisy.cpu, JSON.stringify(quiet));
  });
});
