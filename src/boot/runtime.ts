/** Which runtime a worker gets, and what its host offers. */
import { join } from 'node:path';
import { asCubeError } from '../core/errors.ts';
import type { NodeFacts } from '../core/node.ts';
import type { NodeOptions, Notice } from '../core/node-options.ts';
import { formatBytes } from '../core/resources.ts';
import type { Ambient, Clock } from '../ports/ambient.ts';
import type { Owner, Runtime, RuntimeFacts } from '../ports/runtime.ts';
import { abortable } from '../runtime/abort.ts';

/** Opens the runtime the options name; nothing is asked of its engine yet. */
export async function openRuntime(options: NodeOptions, owner: Owner, directory: string, { log, clock }: Ambient): Promise<Runtime> {
  const { limits } = options;
  const dockerHost = options.dockerHost ?? process.env['DOCKER_HOST'];
  if (options.runtime === 'process') {
    const { openProcessRuntime } = await import('../runtime/process/process.ts');
    const path = process.env['PATH'];
    return openProcessRuntime({ directory: join(directory, 'processes'), ...(path ? { path } : {}), owner, limits, log, clock });
  }
  const { openDockerRuntime } = await import('../runtime/docker/docker.ts');
  const { memoryFolders } = await import('../runtime/docker/files.ts');
  return openDockerRuntime({
    ...(dockerHost === undefined ? {} : { dockerHost }),
    ...(options.mounts === undefined ? {} : { mounts: options.mounts }),
    memoryFolders: memoryFolders(process.env),
    ...(process.env['DOCKER_CERT_PATH'] && process.env['DOCKER_TLS_VERIFY'] ? { certificateFolder: process.env['DOCKER_CERT_PATH'] } : {}),
    ...(process.env['DOCKER_CONFIG'] ? { configFolder: process.env['DOCKER_CONFIG'] } : {}),
    owner,
    limits,
    log,
    clock,
  });
}

/** What the host says of itself: what was found, less what its user keeps back. */
export function nodeFacts(options: NodeOptions, nodeId: string, found: RuntimeFacts): NodeFacts {
  const { offer, limits } = options;
  return {
    id: nodeId,
    name: options.name,
    dc: options.dc,
    role: options.roles.manager ? 'manager,worker' : 'worker',
    labels: options.labels,
    capacity: {
      cpu: offer.cpu ?? found.capacity.cpu,
      memoryBytes: offer.memoryBytes ?? found.capacity.memoryBytes,
      diskBytes: offer.diskBytes ?? found.capacity.diskBytes,
      custom: { ...found.capacity.custom, ...offer.custom },
    },
    slotsMax: limits.slotsMax,
    ports: options.ports,
    portsIp: options.listen.host,
    os: found.os,
    arch: found.arch,
    ...(found.cpuModel === undefined ? {} : { cpuModel: found.cpuModel }),
    version: options.version,
    runtime: { name: found.name, version: found.version },
    mounts: options.mounts ?? [],
    features: found.features ?? [],
  };
}

/**
 * What the engine says of itself at the start. Where this host was a node before, an engine that is away is waited for: after a reboot
 * it may come later than Cube does. A new node is told at once that it has none.
 * @throws CubeError `no-engine`; the signal's reason
 */
export async function firstFacts(runtime: Runtime, { isNew, clock, retryMs, notify, signal }: FirstLook): Promise<RuntimeFacts> {
  for (let tries = 1; ; tries++) {
    try {
      return await abortable(runtime.facts(), signal);
    } catch (thrown) {
      const { code, message } = asCubeError(thrown, 'engine-error');
      if (isNew || code !== 'no-engine') throw thrown;
      if (tries === 1) notify({ level: 'warn', message: `the engine is away: ${message}; this node starts when it answers` });
    }
    await abortable(new Promise<void>((resolve) => clock.setTimeout(resolve, retryMs)), signal);
  }
}

/** How the engine is first looked at. */
interface FirstLook {
  /** Whether this host has never been a node of a cluster. */
  readonly isNew: boolean;
  readonly clock: Clock;
  readonly retryMs: number;
  readonly notify: (notice: Notice) => void;
  readonly signal: AbortSignal;
}

/** Tells the user what was found. */
export function tellFacts(options: NodeOptions, found: RuntimeFacts, notify: (notice: Notice) => void): void {
  const { capacity } = nodeFacts(options, '', found);
  notify({ level: 'info', message: `runtime: ${found.name} ${found.version} (${found.os}/${found.arch})` });
  notify({
    level: 'info',
    message: `offers ${capacity.cpu} cores, ${formatBytes(capacity.memoryBytes)} memory, ${formatBytes(capacity.diskBytes)} disk`,
  });
  for (const message of found.warnings) notify({ level: 'warn', message });
}
