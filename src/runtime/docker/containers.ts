/** The calls about containers, with what their answers mean. */
import type Docker from 'dockerode';
import { label } from '../../core/ids.ts';
import type { Owner } from '../../ports/runtime.ts';
import { isRefused } from './engine.ts';
import type { Engine } from './engine.ts';
import type { Inspected } from './state.ts';

/** The part of `GET /containers/json` that is read here. */
export interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Ports: readonly { readonly IP?: string; readonly PublicPort?: number; readonly Type: string }[];
}

/** A container's state. @param id or name @returns undefined when there is none @throws as Engine.call does */
export async function inspected(engine: Engine, id: string): Promise<Inspected | undefined> {
  try {
    const inspect = (abortSignal: AbortSignal): Promise<Docker.ContainerInspectInfo> =>
      engine.docker.getContainer(id).inspect({ abortSignal });
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

/** Every running container, whoever it belongs to. @throws as Engine.call does */
export function allRunning(engine: Engine): Promise<readonly Listed[]> {
  return engine.call('list the containers', (abortSignal) => engine.docker.listContainers({ abortSignal }));
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
