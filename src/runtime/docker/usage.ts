/** What running containers use: read from the kernel where it is this system's, else asked of the engine. */
import { setImmediate } from 'node:timers/promises';
import type Docker from 'dockerode';
import { label } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock } from '../../ports/ambient.ts';
import type { ContainerUsage, Owner } from '../../ports/runtime.ts';
import { Gate } from '../gate.ts';
import { Cores } from '../cores.ts';
import { Cgroups } from './cgroups.ts';
import type { CgroupPlace, Counted } from './cgroups.ts';
import { inspected, ownerFilter } from './containers.ts';
import type { Listed } from './containers.ts';
import { isRefused } from './engine.ts';
import type { Engine } from './engine.ts';
import type { Inspected } from './state.ts';

/** What measuring needs beside the engine. */
export interface UsageParts {
  readonly owner: Owner;
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'startParallelMax'>;
  /** Where the kernel's files are; this system's own unless told. */
  readonly cgroups?: Cgroups;
}

/** Where a container is measured: by its files, or by asking the engine. */
interface Place {
  readonly files: CgroupPlace | undefined;
  readonly hasNetwork: boolean;
}

/** Containers read in one go; then others get their turn. */
const turnSize = 20;

/** Measures the containers of one owner. */
export class Usages {
  readonly #engine: Engine;
  readonly #parts: UsageParts;
  readonly #cgroups: Cgroups;
  readonly #cores: Cores;
  /** By container id. */
  readonly #places = new Map<string, Place>();
  /** Looks that others took at containers since the last measurement. */
  readonly #seen = new Map<string, Inspected>();

  constructor(engine: Engine, parts: UsageParts) {
    this.#engine = engine;
    this.#parts = parts;
    this.#cgroups = parts.cgroups ?? new Cgroups();
    this.#cores = new Cores(parts.clock);
  }

  /** Somebody looked at a container that has just started: it need not be looked at again to be measured. */
  saw(found: Inspected): void {
    this.#seen.set(found.Id, found);
  }

  /** All that run now; one that ends meanwhile is left out. @throws as Engine.call does */
  async measure(): Promise<readonly ContainerUsage[]> {
    const running = await this.#running();
    const ids = new Set(running.map(({ Id }) => Id));
    for (const id of this.#places.keys()) if (!ids.has(id)) this.#places.delete(id);
    this.#cores.keep(ids);
    const asking = new Gate(this.#parts.limits.startParallelMax);
    const counted: Promise<ContainerUsage | undefined>[] = [];
    for (const [index, one] of running.entries()) {
      if (index % turnSize === turnSize - 1) await setImmediate();
      counted.push(this.#measureOne(one, asking));
    }
    const usages = await Promise.all(counted);
    this.#seen.clear();
    return usages.filter((one) => one !== undefined);
  }

  #running(): Promise<readonly Listed[]> {
    const filters = { label: ownerFilter(this.#parts.owner) };
    return this.#engine.call('list the containers', (abortSignal) => this.#engine.docker.listContainers({ filters, abortSignal }));
  }

  async #measureOne({ Id, Labels }: Listed, asking: Gate): Promise<ContainerUsage | undefined> {
    const taskId = Labels[label.id];
    if (taskId === undefined) return undefined;
    let place = this.#places.get(Id);
    let found = place?.files && this.#cgroups.read(Id, place.files, place.hasNetwork);
    if (!place || (place.files && !found)) {
      place = await asking.run(() => this.#find(Id));
      if (!place) return undefined;
      found = place.files && this.#cgroups.read(Id, place.files, place.hasNetwork);
    }
    if (!place.files) found = await asking.run(() => this.#ask(Id));
    if (!found) return undefined;
    return {
      taskId,
      cpu: this.#cores.since(Id, found.cpuSeconds),
      memoryBytes: found.memoryBytes,
      networkInBytes: found.network?.inBytes ?? null,
      networkOutBytes: found.network?.outBytes ?? null,
    };
  }

  async #find(id: string): Promise<Place | undefined> {
    const found = this.#seen.get(id) ?? (await inspected(this.#engine, id));
    this.#seen.delete(id);
    if (!found?.State.Running) return undefined;
    // Through a socket, the engine may be this system's; over a network it is not, whatever process has that id here.
    const isHere = this.#engine.address.socketPath !== undefined;
    const { Pid } = found.State;
    const files = isHere && Pid !== undefined && Pid > 0 ? this.#cgroups.find(id, Pid) : undefined;
    const place = { files, hasNetwork: found.HostConfig.NetworkMode !== 'host' };
    this.#places.set(id, place);
    return place;
  }

  async #ask(id: string): Promise<Counted | undefined> {
    try {
      // Without one-shot the engine would measure twice, and take a second for it.
      const stats = await this.#engine.call('measure a container', () =>
        this.#engine.docker.getContainer(id).stats({ stream: false, 'one-shot': true }),
      );
      return countedOf(stats);
    } catch (error) {
      if (isRefused(error, 404) || isRefused(error, 409)) return undefined;
      throw error;
    }
  }
}

/** The engine's statistics in the kernel's terms (Docker Engine API 1.41, ContainerStats); those of a container that has ended are empty. */
export function countedOf({ cpu_stats, memory_stats, networks }: Partial<Docker.ContainerStats>): Counted | undefined {
  const [cpu, memory] = [cpu_stats?.cpu_usage?.total_usage, memory_stats?.usage];
  if (cpu === undefined || memory === undefined) return undefined;
  // The two versions of control groups have one name each.
  const { total_inactive_file: before, inactive_file: since }: { total_inactive_file?: number; inactive_file?: number } =
    memory_stats?.stats ?? {};
  const all = networks === undefined ? undefined : Object.values(networks);
  return {
    cpuSeconds: cpu / 1e9,
    memoryBytes: Math.max(0, memory - (before ?? since ?? 0)),
    network: all
      ? { inBytes: all.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0), outBytes: all.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0) }
      : null,
  };
}
