/** The seeds' API (CLI.md): tasks, nodes, statistics and errors in the PascalCase JSON of the Cube book. */
import type { JobOrigin, PortSpec, RestartSpec, TaskSpec } from './job.ts';
import type { CpuTicks } from './node.ts';
import type { TaskRecord, TaskState } from './task.ts';
import { isoTime, type NodeJson } from './views.ts';

export { parseTaskEvent, readTaskEvent } from './seeds-event.ts';

/** A task as the seeds show it. Sizes are bytes, Cpu is cores. */
export interface SeedsTask {
  readonly ID: string;
  readonly ContainerID: string;
  readonly Name: string;
  readonly State: number;
  readonly Image: string;
  readonly Cpu: number;
  readonly Memory: number;
  readonly Disk: number;
  readonly ExposedPorts: Readonly<Record<string, Readonly<Record<string, never>>>>;
  /** Where each container port is really bound. */
  readonly HostPorts: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>>;
  /** As it was asked for: `port` or `ip:port`, "" where Cube was to choose and has not yet. */
  readonly PortBindings: Readonly<Record<string, string>>;
  readonly RestartPolicy: string;
  readonly StartTime: string;
  readonly FinishTime: string;
  readonly HealthCheck: string;
  readonly RestartCount: number;
}

/** The time that Go has for "never". */
const zeroTime = '0001-01-01T00:00:00Z';

const states: Readonly<Record<TaskState, number>> = {
  pending: 0,
  scheduled: 1,
  preparing: 1,
  starting: 1,
  backingOff: 1,
  running: 2,
  stopping: 2,
  unreachable: 2,
  completed: 3,
  stopped: 3,
  failed: 4,
  lost: 4,
  rejected: 4,
};

const policies: Readonly<Record<RestartSpec['on'], string>> = { always: 'always', failure: 'on-failure', never: 'no' };

/** Pending 0, Scheduled 1, Running 2, Completed 3, Failed 4. */
export function seedsState(state: TaskState): number {
  return states[state];
}

function timeOf(ms: number | undefined): string {
  return ms === undefined ? zeroTime : isoTime(ms);
}

function portKey(port: { readonly container: number; readonly protocol: string }): string {
  return `${port.container}/${port.protocol}`;
}

function addressText(ip: string | undefined, port: number): string {
  if (ip === undefined) return String(port);
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** What a port was asked to be bound to; of a free one, what it was bound to. */
function bindingText(asked: PortSpec | undefined, bound: number | undefined): string {
  const host = asked?.host ?? bound;
  return host === undefined ? '' : addressText(asked?.ip, host);
}

function portsOf(task: TaskRecord, spec: TaskSpec | undefined): Pick<SeedsTask, 'ExposedPorts' | 'HostPorts' | 'PortBindings'> {
  const asked = spec?.ports ?? [];
  const hostPorts: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of task.ports) (hostPorts[portKey(port)] ??= []).push({ HostIp: port.ip, HostPort: String(port.host) });
  const keys = [...new Set([...asked, ...task.ports].map(portKey))];
  const bindings = keys.map((key) => {
    const bound = task.ports.find((port) => portKey(port) === key);
    return [
      key,
      bindingText(
        asked.find((port) => portKey(port) === key),
        bound?.host,
      ),
    ] as const;
  });
  return {
    ExposedPorts: Object.fromEntries(keys.map((key) => [key, {}])),
    HostPorts: hostPorts,
    PortBindings: Object.fromEntries(bindings),
  };
}

/** The path of an http check: the only kind that the seeds know. */
function healthPath(spec: TaskSpec | undefined): string {
  const health = spec?.health;
  return typeof health === 'object' && health.probe.kind === 'http' ? health.probe.path : '';
}

/** A task record as the seeds show it. `ID` and `Name` are the client's own where it gave them, else the record's id and slot. */
export function seedsTask(task: TaskRecord, spec: TaskSpec | undefined, origin: JobOrigin | undefined): SeedsTask {
  return {
    ID: origin?.clientTaskId ?? task.id,
    ContainerID: task.containerId ?? '',
    Name: origin?.clientTaskName ?? (origin?.kind === 'seeds' ? task.job : task.slot),
    State: seedsState(task.state),
    Image: task.image,
    Cpu: spec?.resources.cpu ?? 0,
    Memory: spec?.resources.memoryBytes ?? 0,
    Disk: spec?.resources.diskBytes ?? 0,
    ...portsOf(task, spec),
    RestartPolicy: spec ? policies[spec.restart.on] : '',
    StartTime: timeOf(task.startedAt),
    FinishTime: timeOf(task.finishedAt),
    HealthCheck: healthPath(spec),
    RestartCount: task.restarts,
  };
}

/** A node as the seeds show it. Sizes are bytes; allocated is what tasks reserved. */
export interface SeedsNode {
  readonly Name: string;
  /** "" where it is not known: workers dial, so nobody needs their address. */
  readonly Ip: string;
  readonly Api: string;
  readonly Cores: number;
  readonly Memory: number;
  readonly MemoryAllocated: number;
  readonly Disk: number;
  readonly DiskAllocated: number;
  readonly Role: string;
  readonly TaskCount: number;
}

/** A node as the seeds show it. */
export function seedsNode(node: NodeJson, address: { readonly ip?: string; readonly api?: string } = {}): SeedsNode {
  return {
    Name: node.name,
    Ip: address.ip ?? '',
    Api: address.api ?? '',
    Cores: node.capacity.cpu,
    Memory: node.capacity.memoryBytes,
    MemoryAllocated: node.reserved.memoryBytes,
    Disk: node.capacity.diskBytes,
    DiskAllocated: node.reserved.diskBytes,
    Role: node.role,
    TaskCount: node.tasks,
  };
}

/** The body of an error in the seeds' API. */
export function seedsError(status: number, message: string): { readonly HTTPStatusCode: number; readonly Message: string } {
  return { HTTPStatusCode: status, Message: message };
}

/** What `/stats` is made from: a host's measurement. */
export interface SeedsSample {
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number };
  readonly cpuTicks: CpuTicks;
  /** Load averages over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
}

/** A host's statistics as the seeds show them. */
export interface SeedsStats {
  /** kB, twice: by the names of the book's code, and by those that its library (c9s/goprocinfo) puts into JSON. */
  readonly MemStats: {
    readonly MemTotal: number;
    readonly MemAvailable: number;
    readonly mem_total: number;
    readonly mem_available: number;
  };
  /** Bytes. */
  readonly DiskStats: { readonly All: number; readonly Used: number; readonly Free: number };
  /** Hundredths of a second since the host started, as its library reads them: the book's clients take ratios of them, and of differences. */
  readonly CpuStats: Readonly<Record<'User' | 'Nice' | 'System' | 'Idle' | 'IOWait' | 'IRQ' | 'SoftIRQ' | 'Steal', number>>;
  readonly LoadStats: { readonly Last1Min: number; readonly Last5Min: number; readonly Last15Min: number };
  readonly TaskCount: number;
}

function kilobytes(bytes: number): number {
  return Math.round(bytes / 1_024);
}

/** A measurement as `/stats` shows it. */
export function seedsStats(sample: SeedsSample, taskCount: number): SeedsStats {
  const { memory, disk, load } = sample;
  const { user, nice, system, idle, iowait, irq, softirq, steal } = sample.cpuTicks;
  const [total, available] = [kilobytes(memory.totalBytes), kilobytes(memory.availableBytes)];
  return {
    MemStats: { MemTotal: total, MemAvailable: available, mem_total: total, mem_available: available },
    DiskStats: { All: disk.totalBytes, Used: disk.totalBytes - disk.freeBytes, Free: disk.freeBytes },
    CpuStats: { User: user, Nice: nice, System: system, Idle: idle, IOWait: iowait, IRQ: irq, SoftIRQ: softirq, Steal: steal },
    LoadStats: { Last1Min: load[0], Last5Min: load[1], Last15Min: load[2] },
    TaskCount: taskCount,
  };
}
