/** Measures the host: used cpu, memory and disk. */
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import type { CpuTicks } from '../core/node.ts';
import type { Clock } from '../ports/ambient.ts';
import type { HostMeter, HostSample } from '../ports/runtime.ts';
import { codeOf } from './code-of.ts';
import { diskOf } from './disk.ts';

/** What the meter reads. */
export interface MeterOptions {
  readonly clock: Clock;
  /** The disk that holds this path is measured. */
  readonly diskPath: string;
  /** What the kernel has counted for all cores; this system's own unless told. */
  readonly readTicks?: () => Promise<CpuTicks>;
}

/**
 * Opens a meter. Memory comes from systeminformation, which knows what each system calls available. CPU comes from the
 * kernel's counters: systeminformation's `currentLoad` starts a shell for it, and waits for that, every time.
 */
export function openHostMeter(options: MeterOptions): HostMeter {
  const { clock, diskPath, readTicks = hostTicks } = options;
  let before: CpuTicks | undefined;
  return {
    async measure(): Promise<HostSample> {
      const { default: systeminformation } = await import('systeminformation');
      const [memory, disk, cpuTicks] = await Promise.all([systeminformation.mem(), diskOf(diskPath), readTicks()]);
      const share = before === undefined ? undefined : busyShare(before, cpuTicks);
      before = cpuTicks;
      const [one = 0, five = 0, fifteen = 0] = loadavg();
      const cores = availableParallelism();
      return {
        at: clock.now(),
        used: {
          // Before there are two samples the load of the last minute is the best guess.
          cpu: share === undefined ? Math.min(one, cores) : share * cores,
          memoryBytes: memory.total - memory.available,
          diskBytes: disk.totalBytes - disk.freeBytes,
          custom: {},
        },
        memory: { totalBytes: memory.total, availableBytes: memory.available },
        disk,
        cpuTicks,
        load: [one, five, fifteen],
      };
    },
  };
}

/** The counters of this system: of /proc/stat, or where there is none, the fewer that Node knows (in ms). */
async function hostTicks(): Promise<CpuTicks> {
  try {
    return parseTicks(await readFile('/proc/stat', 'utf8'));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const sum = { user: 0, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 };
  for (const { times } of cpus()) {
    sum.user += Math.round(times.user / 10);
    sum.nice += Math.round(times.nice / 10);
    sum.system += Math.round(times.sys / 10);
    sum.idle += Math.round(times.idle / 10);
    sum.irq += Math.round(times.irq / 10);
  }
  return sum;
}

/** The first line of /proc/stat (proc_stat(5)): all cores together. What an old kernel does not count is 0. */
export function parseTicks(text: string): CpuTicks {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = text
    .slice(0, text.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { user, nice, system, idle, iowait, irq, softirq, steal };
}

/** The share of time between two counts that was not idle; undefined when the counters did not move. */
function busyShare(before: CpuTicks, now: CpuTicks): number | undefined {
  // A counter may go back a little when a core goes to sleep.
  const since = (kind: keyof CpuTicks): number => Math.max(0, now[kind] - before[kind]);
  const busy = since('user') + since('nice') + since('system') + since('irq') + since('softirq') + since('steal');
  const all = busy + since('idle') + since('iowait');
  return all === 0 ? undefined : busy / all;
}
