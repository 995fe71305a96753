/** Which runtime a worker gets, and what its host offers. */
import { join } from 'node:path';
import type { NodeFacts } from '../core/node.ts';
import type { NodeOptions, Notice } from '../core/node-options.ts';
import { formatBytes } from '../core/resources.ts';
import type { Ambient } from '../ports/ambient.ts';
import type { Owner, Runtime, RuntimeFacts } from '../ports/runtime.ts';

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
  return openDockerRuntime({
    ...(dockerHost === undefined ? {} : { dockerHost }),
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
    version: options.version,
    runtime: { name: found.name, version: found.version },
  };
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
