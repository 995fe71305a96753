/**
 * What an idle node costs: resident memory of its whole process tree, and its share of one core. First a node that has nothing to do,
 * then the same with a service that runs.
 *
 *   npm run bench:idle -- [seconds]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { limitsDefault } from '../../src/core/limits.ts';
import { testEngine, testImage } from '../support/engine.ts';
import { NodeProcess } from '../support/node-process.ts';

const seconds = Number(process.argv[2] ?? 60);
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const mebibyte = 2 ** 20;
/** A start leaves garbage, which V8 collects once, some 15 s after the last of it was made: that belongs to the start. */
const settleMs = 30_000;

/** The fields of /proc/PID/stat after the name in parentheses, which may hold anything (proc(5)); the first is field 3. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
}

/** A process and all below it. */
function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

function usageOf(pid: number): { memoryBytes: number; cpuSeconds: number; processes: number; threads: number } {
  const usage = { memoryBytes: 0, cpuSeconds: 0, processes: 0, threads: 0 };
  for (const one of treeOf(pid)) {
    const stat = statOf(one);
    const status = readFileSync(`/proc/${one}/status`, 'utf8');
    usage.memoryBytes += Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
    usage.cpuSeconds += (Number(stat[11]) + Number(stat[12])) / ticksPerSecond;
    usage.processes += 1;
    usage.threads += Number(stat[17]);
  }
  return usage;
}

async function measure(what: string, pid: number): Promise<void> {
  const before = usageOf(pid);
  const beganAt = performance.now();
  await sleep(seconds * 1_000);
  const now = usageOf(pid);
  const share = (now.cpuSeconds - before.cpuSeconds) / ((performance.now() - beganAt) / 1_000);
  const memory = [before, now].map(({ memoryBytes }) => (memoryBytes / mebibyte).toFixed(1)).join(' -> ');
  const tree = `${now.processes} process, ${now.threads} threads`;
  console.log(`${what}: ${memory} MiB resident (${tree}), ${(share * 100).toFixed(2)} % of a core over ${seconds} s`);
}

const { skip } = await testEngine();
if (skip) throw new Error(skip);
const node = new NodeProcess();
try {
  await node.start();
  await sleep(settleMs);
  await measure('nothing to do', node.pid);
  const job = `name: idle\ntasks: {t: {image: "${testImage}", command: [/bin/sleep, "10000"], count: 3, stopGrace: 0s}}`;
  const { code, stderr } = await node.cube(['submit', '-'], { input: job });
  if (code !== 0) throw new Error(stderr);
  // The scoring thread ends after its idle time.
  await sleep(limitsDefault.poolIdleMs + settleMs);
  await measure('a service of 3', node.pid);
  console.log('goal: at most 110 MiB and 0.50 % of a core');
} finally {
  await node.remove();
}
