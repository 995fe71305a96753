/**
 * What the kernel has counted for a container, read from its control group's files: for 100 containers that is 8 ms of processor time,
 * where asking the engine for its statistics takes 155 ms of both and over a second. It works where the engine shares this system's
 * processes; elsewhere `find` says so.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../code-of.ts';

/** Where a container's counters are. */
export interface CgroupPlace {
  /** A process of it, by which its network is found. */
  readonly pid: number;
  /** Folders of its cpu and memory counters: one and the same in version 2. */
  readonly version: 1 | 2;
  readonly cpuFolder: string;
  readonly memoryFolder: string;
}

/** Counters of a container. */
export interface Counted {
  /** Processor time since its start, in seconds of one core. */
  readonly cpuSeconds: number;
  /** Without the file cache that was not used lately. */
  readonly memoryBytes: number;
  /** Since its start, all interfaces but the loopback; null when not asked for. */
  readonly network: { readonly inBytes: number; readonly outBytes: number } | null;
}

/** Where the hierarchies are mounted. */
interface Mounts {
  readonly cpuacct?: string;
  readonly memory?: string;
  readonly unified?: string;
}

/** Reads the files, at once: they are the kernel's memory, not a disk's, and a promise for each costs ten times the read. */
export class Cgroups {
  readonly #root: string;
  #mounts: Mounts | undefined;

  /** @param root where `proc` and what is mounted are: `/`, but in tests */
  constructor(root = '/') {
    this.#root = root;
  }

  /**
   * Finds a container's counters by one of its processes.
   * @returns undefined where that process is not the container's, as seen from here: the engine is on another system
   */
  find(containerId: string, pid: number): CgroupPlace | undefined {
    const lines = this.#readIfAny(`/proc/${pid}/cgroup`)?.split('\n') ?? [];
    const paths = new Map<string, string>();
    for (const line of lines) {
      const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (path.includes(containerId)) for (const name of controllers.split(',')) paths.set(name, path);
    }
    const { cpuacct, memory, unified } = this.#mountsNow();
    const [cpuPath, memoryPath, path] = [paths.get('cpuacct'), paths.get('memory'), paths.get('')];
    if (cpuPath !== undefined && memoryPath !== undefined && cpuacct !== undefined && memory !== undefined) {
      return this.#checked({ pid, version: 1, cpuFolder: join(cpuacct, cpuPath), memoryFolder: join(memory, memoryPath) });
    }
    if (path === undefined || unified === undefined) return undefined;
    const folder = join(unified, path);
    return this.#checked({ pid, version: 2, cpuFolder: folder, memoryFolder: folder });
  }

  /** @returns undefined when the container has ended, or runs under another process by now */
  read(containerId: string, place: CgroupPlace, wantsNetwork: boolean): Counted | undefined {
    const cpuSeconds = this.#cpuSeconds(place);
    const memoryBytes = this.#memoryBytes(place);
    if (cpuSeconds === undefined || memoryBytes === undefined) return undefined;
    // A process id may be another's by now: its group tells whose it is.
    if (!(this.#readIfAny(`/proc/${place.pid}/cgroup`) ?? '').includes(containerId)) return undefined;
    return { cpuSeconds, memoryBytes, network: wantsNetwork ? networkIn(this.#readIfAny(`/proc/${place.pid}/net/dev`) ?? '') : null };
  }

  #cpuSeconds({ version, cpuFolder }: CgroupPlace): number | undefined {
    if (version === 1) return scaled(this.#readIfAny(`${cpuFolder}/cpuacct.usage`), 1e-9);
    return scaled(field(this.#readIfAny(`${cpuFolder}/cpu.stat`), 'usage_usec'), 1e-6);
  }

  #memoryBytes({ version, memoryFolder }: CgroupPlace): number | undefined {
    const all = scaled(this.#readIfAny(`${memoryFolder}/${version === 1 ? 'memory.usage_in_bytes' : 'memory.current'}`), 1);
    const stat = this.#readIfAny(`${memoryFolder}/memory.stat`);
    const cache = scaled(field(stat, version === 1 ? 'total_inactive_file' : 'inactive_file'), 1) ?? 0;
    return all === undefined ? undefined : Math.max(0, all - cache);
  }

  #checked(place: CgroupPlace): CgroupPlace | undefined {
    return this.#cpuSeconds(place) === undefined || this.#memoryBytes(place) === undefined ? undefined : place;
  }

  /** Of `/proc/self/mountinfo` (proc(5)): the fifth field is the place, after ` - ` come the type, the source and the options. */
  #mountsNow(): Mounts {
    if (this.#mounts) return this.#mounts;
    const mounts: { -readonly [Name in keyof Mounts]: string } = {};
    for (const line of (this.#readIfAny('/proc/self/mountinfo') ?? '').split('\n')) {
      const [left = '', right = ''] = line.split(' - ');
      const [type, , options = ''] = right.split(' ');
      const place = left.split(' ')[4];
      if (place === undefined) continue;
      if (type === 'cgroup2') mounts.unified ??= place;
      if (type !== 'cgroup') continue;
      for (const name of ['cpuacct', 'memory'] as const) if (options.split(',').includes(name)) mounts[name] ??= place;
    }
    this.#mounts = mounts;
    return mounts;
  }

  #readIfAny(path: string): string | undefined {
    try {
      return readFileSync(join(this.#root, path), 'utf8');
    } catch (error) {
      // ENODEV: the group went while it was read; EACCES: another user's process.
      if (['ENOENT', 'ESRCH', 'ENODEV', 'ENOTDIR', 'EACCES'].includes(String(codeOf(error)))) return undefined;
      throw error;
    }
  }
}

function scaled(text: string | undefined, factor: number): number | undefined {
  return text === undefined || text.trim() === '' || !Number.isFinite(Number(text)) ? undefined : Number(text) * factor;
}

/** A value of lines `name value`. */
function field(text: string | undefined, name: string): string | undefined {
  return text === undefined ? undefined : new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
}

/** The table of `/proc/PID/net/dev`: a line an interface, the first of 16 numbers are bytes received, the ninth bytes sent. */
function networkIn(table: string): Counted['network'] {
  let [inBytes, outBytes, interfaces] = [0, 0, 0];
  for (const line of table.split('\n')) {
    const [, name, numbers = ''] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    interfaces++;
    if (name === 'lo') continue;
    const counts = numbers.split(/\s+/).map(Number);
    inBytes += counts[0] ?? 0;
    outBytes += counts[8] ?? 0;
  }
  return interfaces === 0 ? null : { inBytes, outBytes };
}
