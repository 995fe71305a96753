/** The calls about containers, with what their answers mean. */
import type Docker from 'dockerode';
import { label } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock } from '../../ports/ambient.ts';
import type { Owner } from '../../ports/runtime.ts';
import { sleep } from '../abort.ts';
import { isRefused } from './engine.ts';
import type { Engine } from './engine.ts';
import type { Inspected } from './state.ts';

/** The part of `GET /containers/json` that is read here. */
export interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly ImageID: string;
  readonly State: string;
  /** For people, with the health in it: `Up 2 minutes (healthy)`. */
  readonly Status: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Ports: readonly { readonly IP?: string; readonly PublicPort?: number; readonly Type: string }[];
}

/**
 * A container's state.
 * @param id or name
 * @param by `fresh` where something is done about what is seen (Engine.fresh tells why)
 * @returns undefined when there is none
 * @throws as Engine.call does
 */
export async function inspected(engine: Engine, id: string, by: 'docker' | 'fresh' = 'docker'): Promise<Inspected | undefined> {
  try {
    const inspect = (abortSignal: AbortSignal): Promise<Docker.ContainerInspectInfo> =>
      engine[by].getContainer(id).inspect({ abortSignal });
    return await engine.call('look at a container', inspect);
  } catch (error) {
    if (isRefused(error, 404)) return undefined;
    throw error;
  }
}

/** The filter that finds this cluster's and node's containers. */
export function ownerFilter(owner: Owner): string[] {
  return [`${label.cluster}=${owner.clusterId}`, `${label.node}=${owner.nodeId}`];
}

/** All containers of this owner, in whatever state. @throws as Engine.call does */
export function listed(engine: Engine, owner: Owner): Promise<readonly Listed[]> {
  const filters = { label: ownerFilter(owner) };
  return engine.call('list the containers', (abortSignal) => engine.docker.listContainers({ all: true, filters, abortSignal }));
}

/** Every container, whoever it belongs to. @param all those that do not run, too @throws as Engine.call does */
export function everyContainer(engine: Engine, all: boolean): Promise<readonly Listed[]> {
  return engine.call('list the containers', (abortSignal) => engine.docker.listContainers({ all, abortSignal }));
}

/**
 * Sends a signal.
 * @returns false when there was nothing to send it to: ended, never started, or gone
 * @throws as Engine.call does, Refused with status 400 for a signal that does not exist
 */
export async function signalled(engine: Engine, id: string, signal: string): Promise<boolean> {
  try {
    await engine.call(`send ${signal}`, (abortSignal) => engine.docker.getContainer(id).kill({ signal, abortSignal }));
    return true;
  } catch (error) {
    if (isRefused(error, 404) || isRefused(error, 409)) return false;
    throw error;
  }
}

/** Removes a container, by force if it runs. Already gone: done. @throws as Engine.call does */
export async function removeContainer(engine: Engine, id: string, { clock, limits }: { clock: Clock; limits: Limits }): Promise<void> {
  const container = engine.docker.getContainer(id);
  const giveUpAt = clock.monotonic() + limits.engineCallMs;
  for (;;) {
    try {
      await engine.call('remove the container', (abortSignal) => container.remove({ force: true, v: true, abortSignal }));
      return;
    } catch (error) {
      if (isRefused(error, 404)) return;
      // 409: somebody else removes it right now.
      if (!isRefused(error, 409) || clock.monotonic() > giveUpAt) throw error;
      await sleep(clock, limits.engineRetryMs, new AbortController().signal);
    }
  }
}
