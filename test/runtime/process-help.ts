/** The process runtime for tests: in a folder of its own, with all that it runs ended afterwards. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../src/ambient/clock.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { ContainerRef, Runtime, Work } from '../../src/ports/runtime.ts';
import { openProcessRuntime } from '../../src/runtime/process/process.ts';
import { keptLog, plainSpec, testLimits, workOf } from '../contracts/runtime-harness.ts';

/** Whose the processes are. */
export const processOwner = { clusterId: 'cluster', nodeId: 'node' };

/** What such a test works with. */
export interface ProcessCase {
  readonly directory: string;
  readonly runtime: Runtime;
  readonly log: ReturnType<typeof keptLog>;
  /** Opens one more, as a restart of the node does. */
  reopen(limits?: Limits): Promise<Runtime>;
  /** A file of an attempt's folder. */
  file(ref: ContainerRef, name: string): string;
  /** Process id of an attempt's shim: its group's, too. */
  pidOf(ref: ContainerRef): number;
}

/** Runs a test on a runtime of its own. */
export async function withProcesses(check: (made: ProcessCase) => Promise<void>, limits: Limits = testLimits): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cube-processes-'));
  const log = keptLog();
  const opened: Runtime[] = [];
  const reopen = async (with_ = limits): Promise<Runtime> => {
    const runtime = await openProcessRuntime({ directory, owner: processOwner, limits: with_, log, clock: realClock() });
    opened.push(runtime);
    return runtime;
  };
  const file = (ref: ContainerRef, name: string): string => join(directory, ref.id, name);
  const pidOf = (ref: ContainerRef): number => Number(readFileSync(file(ref, 'pid'), 'utf8').split('\n')[0]);
  try {
    await check({ directory, runtime: await reopen(), log, reopen, file, pidOf });
  } finally {
    const last = await reopen();
    for (const { ref } of await last.list()) await last.remove(ref);
    for (const runtime of opened) await runtime.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A task that runs until it is stopped and, when it starts, appends its process id to a file. */
export function markingWork(id: string, file: string): Work {
  const command = ['sh', '-c', `echo $$ >>'${file}'; exec sleep 1000`];
  return workOf(plainSpec({ command }), { id });
}

/** Whether a process of that id is alive, and not a zombie that nobody collected. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

/** Waits until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
