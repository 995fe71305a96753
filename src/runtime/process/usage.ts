/** What running processes use: read from /proc, where there is one. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerUsage, Owner } from '../../ports/runtime.ts';
import { codeOf } from '../code-of.ts';
import type { Cores } from '../cores.ts';
import { idsIn, readStatus, readWork } from './folder.ts';

/** An attempt that runs: its shim leads the group of all its processes. */
export interface RunningGroup {
  readonly id: string;
  readonly taskId: string;
  readonly leader: number;
}

/** Ticks of a second in which Linux counts for its users, whatever its own clock (USER_HZ; proc(5)). */
const ticksPerSecond = 100;

/**
 * Measures each group. The files are the kernel's memory, not a disk's, and a promise for each would cost ten times the read.
 * @param root where `proc` is: `/`, but in tests
 * @returns nothing on systems without /proc
 */
export function groupUsages(groups: readonly RunningGroup[], cores: Cores, root = '/'): ContainerUsage[] {
  cores.keep(new Set(groups.map(({ id }) => id)));
  if (groups.length === 0) return [];
  const proc = join(root, 'proc');
  const sums = new Map(groups.map(({ leader }) => [leader, { ticks: 0, memoryBytes: 0, processes: 0 }]));
  for (const name of namesIn(proc)) {
    const stat = readIfAny(join(proc, name, 'stat'));
    // What is after the name in parentheses, which may hold anything: field 3 on (proc(5)). Here: 5 the group, 14 to 17 the ticks of
    // it and of its children that have ended.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    const sum = sums.get(Number(fields[2]));
    if (!sum) continue;
    sum.processes++;
    for (const ticks of fields.slice(11, 15)) sum.ticks += Number(ticks);
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readIfAny(join(proc, name, 'status')) ?? '')?.[1] ?? 0;
    sum.memoryBytes += Number(resident) * 1_024;
  }
  return groups.flatMap(({ id, taskId, leader }) => {
    const sum = sums.get(leader)!;
    if (sum.processes === 0) return [];
    const cpu = cores.since(id, sum.ticks / ticksPerSecond);
    // Processes share the host's network: nothing tells whose a packet is.
    return [{ taskId, cpu, memoryBytes: sum.memoryBytes, networkInBytes: null, networkOutBytes: null }];
  });
}

function namesIn(proc: string): string[] {
  try {
    return readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function readIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** The attempts of a folder that run now and belong to this owner. What cannot be read is left out: the runtime's list says so. */
export async function runningGroups(directory: string, owner: Owner): Promise<RunningGroup[]> {
  const ids = await idsIn(directory);
  const groups = await Promise.all(ids.map((id) => runningGroup(join(directory, id), id, owner).catch(() => undefined)));
  return groups.filter((group) => group !== undefined);
}

async function runningGroup(folder: string, id: string, owner: Owner): Promise<RunningGroup | undefined> {
  const file = await readWork(folder);
  if (file?.clusterId !== owner.clusterId || file.nodeId !== owner.nodeId) return undefined;
  const status = await readStatus(folder);
  return status?.state === 'running' ? { id, taskId: file.taskId, leader: status.identity.pid } : undefined;
}
