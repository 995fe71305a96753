/** What Docker is told about a container: an order in the engine's terms. */
import type { ContainerCreateOptions } from 'dockerode';
import { label } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import type { Owner, Work } from '../../ports/runtime.ts';

/** What the engine and its kernel can do. */
export interface EngineSupport {
  readonly cpus: number;
  readonly cpu: boolean;
  readonly memory: boolean;
  readonly swap: boolean;
  readonly pids: boolean;
}

/** The least share of a core the kernel can account for. */
const cpusMin = 0.01;

/** The labels of a container: the job's, and Cube's own contract, which wins. */
function labelsOf(work: Work, owner: Owner): Record<string, string> {
  const { order, attempt } = work;
  return {
    ...order.labels,
    [label.cluster]: owner.clusterId,
    [label.node]: owner.nodeId,
    [label.job]: order.job,
    [label.task]: order.task,
    [label.slot]: order.slot,
    [label.id]: order.id,
    [label.attempt]: String(attempt),
  };
}

/** The limits an order sets. Nothing is reserved: nothing is limited. Swap is none beyond the memory, so that the limit is real. */
function limitsOf(work: Work, support: EngineSupport): object {
  const { cpu, memoryBytes } = work.order.spec.resources;
  const limited: { NanoCpus?: number; Memory?: number; MemorySwap?: number } = {};
  // The engine refuses more cores than it has; a node may be told to offer more.
  if (cpu > 0 && support.cpu) limited.NanoCpus = Math.round(Math.max(cpusMin, Math.min(cpu, support.cpus)) * 1e9);
  if (memoryBytes > 0 && support.memory) limited.Memory = memoryBytes;
  if (memoryBytes > 0 && support.memory && support.swap) limited.MemorySwap = memoryBytes;
  return limited;
}

function portsOf(work: Work): Pick<ContainerCreateOptions, 'ExposedPorts'> & { bindings: Record<string, object[]> } {
  const bindings: Record<string, object[]> = {};
  for (const port of work.order.ports) {
    const list = (bindings[`${port.container}/${port.protocol}`] ??= []);
    list.push({ HostIp: port.ip, HostPort: String(port.host) });
  }
  return { bindings, ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])) };
}

/** The body of `POST /containers/create` (Docker Engine API 1.41). */
export function containerBody(work: Work, owner: Owner, support: EngineSupport, limits: Limits): ContainerCreateOptions {
  const { spec } = work.order;
  const { bindings, ExposedPorts } = portsOf(work);
  return {
    Image: spec.image,
    Cmd: spec.command === undefined ? undefined : [...spec.command],
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    User: spec.user,
    WorkingDir: spec.workdir,
    StopSignal: spec.stopSignal,
    // The worker looks itself, or nobody shall: the image's own check would only run beside that.
    ...(spec.health === undefined ? {} : { Healthcheck: { Test: ['NONE'] } }),
    Labels: labelsOf(work, owner),
    ExposedPorts,
    HostConfig: {
      ...limitsOf(work, support),
      ...(support.pids && limits.pidsMax > 0 ? { PidsLimit: limits.pidsMax } : {}),
      PortBindings: bindings,
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': String(limits.logFileBytesMax), 'max-file': String(limits.logFiles) } },
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
    },
  };
}
