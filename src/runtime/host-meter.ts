/** Measures the host: used cpu, memory and disk. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import type { CpuInfo } from 'node:os';
import type { Clock } from '../ports/ambient.ts';
import type { HostMeter, HostSample } from '../ports/runtime.ts';
import { diskOf } from './disk.ts';

/** What the meter reads. */
export interface MeterOptions {
  readonly clock: Clock;
  /** The disk that holds this path is measured. */
  readonly diskPath: string;
  /** What the kernel has counted for each core, in ms; Node's own unless told. */
  readonly readCpus?: () => readonly Pick<CpuInfo, 'times'>[];
}

interface CpuTimes {
  readonly user: number;
  readonly system: number;
  readonly idle: number;
}

/**
 * Opens a meter. Memory comes from systeminformation, which knows what each system calls available. CPU comes from the
 * kernel's counters through Node: systeminformation's `currentLoad` starts a shell for it, and waits for that, every time.
 */
export function openHostMeter(options: MeterOptions): HostMeter {
  const { clock, diskPath, readCpus = cpus } = options;
  let before: CpuTimes | undefined;
  return {
    async measure(): Promise<HostSample> {
      const { default: systeminformation } = await import('systeminformation');
      const [memory, disk] = await Promise.all([systeminformation.mem(), diskOf(diskPath)]);
      const now = sumOf(readCpus());
      const cpuPercent = before === undefined ? null : sharesOf(before, now);
      before = now;
      const [one = 0, five = 0, fifteen = 0] = loadavg();
      const cores = availableParallelism();
      return {
        at: clock.now(),
        used: {
          // Before there are two samples the load of the last minute is the best guess.
          cpu: cpuPercent === null ? Math.min(one, cores) : ((100 - cpuPercent.idle) / 100) * cores,
          memoryBytes: memory.total - memory.available,
          diskBytes: disk.totalBytes - disk.freeBytes,
          custom: {},
        },
        memory: { totalBytes: memory.total, availableBytes: memory.available },
        disk,
        cpuPercent,
        load: [one, five, fifteen],
      };
    },
  };
}

function sumOf(cores: readonly Pick<CpuInfo, 'times'>[]): CpuTimes {
  const sum = { user: 0, system: 0, idle: 0 };
  for (const { times } of cores) {
    sum.user += times.user + times.nice;
    sum.system += times.sys + times.irq;
    sum.idle += times.idle;
  }
  return sum;
}

/** Percent of all cores between two counts; null when the counters did not move. */
function sharesOf(before: CpuTimes, now: CpuTimes): HostSample['cpuPercent'] {
  // A counter may go back a little when a core goes to sleep.
  const user = Math.max(0, now.user - before.user);
  const system = Math.max(0, now.system - before.system);
  const idle = Math.max(0, now.idle - before.idle);
  const all = user + system + idle;
  return all === 0 ? null : { user: (100 * user) / all, system: (100 * system) / all, idle: (100 * idle) / all };
}
