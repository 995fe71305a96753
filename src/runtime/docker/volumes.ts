/**
 * What a container's volumes are to the engine. A named volume is made with its container where it is missing, with what the image has
 * in that place, and is never removed by Cube. A directory of the host must lie, links followed, in one that this node allows.
 */
import { realpath } from 'node:fs/promises';
import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { problem } from '../../core/errors.ts';
import { label } from '../../core/ids.ts';
import type { VolumeSpec } from '../../core/job.ts';
import { engineVolume, isWithin, plainPath } from '../../core/volumes.ts';
import type { Log } from '../../ports/ambient.ts';
import type { Owner, Work } from '../../ports/runtime.ts';
import { isRefused } from './engine.ts';
import type { Engine } from './engine.ts';

/** What mounting needs. */
export interface MountParts {
  readonly engine: Engine;
  readonly owner: Owner;
  readonly log: Log;
  /** Directories of the host that tasks may mount, with all in them. */
  readonly mounts?: readonly string[];
}

/** The label of a volume that tells its name as the job has it. */
const volumeLabel = 'cube.volume';

/** A container's body with what its task mounts; names of volumes come with their placeholders filled in. @throws CubeError `bad-mount`; as Engine.call does */
export async function withVolumes(parts: MountParts, work: Work, body: ContainerCreateOptions): Promise<ContainerCreateOptions> {
  const { volumes = [] } = work.order.spec;
  if (volumes.length === 0) return body;
  const Mounts: MountSettings[] = [];
  for (const volume of volumes) {
    const { name, path: Target, readOnly: ReadOnly } = volume;
    Mounts.push(name === undefined ? await directory(parts, volume) : await named(parts, work, name));
    Object.assign(Mounts.at(-1)!, { Target, ReadOnly });
  }
  return { ...body, HostConfig: { ...body.HostConfig, Mounts } };
}

/** A volume of the engine. One that is there already must not be another job's: names of two jobs may come to the same. */
async function named(parts: MountParts, { order }: Work, name: string): Promise<MountSettings> {
  const { engine, owner, log } = parts;
  const Source = engineVolume(order.job, name);
  const labels = await labelsOf(engine, Source);
  const whose = labels?.[label.job];
  if (whose !== undefined && whose !== order.job) {
    throw problem('bad-mount', `volume ${Source} of the engine belongs to job ${whose}`, { hint: 'give the volume another name' });
  }
  if (labels?.[label.cluster] !== undefined && labels[label.cluster] !== owner.clusterId) {
    log.warn('a volume that another cluster made is used', { volume: Source, cluster: labels[label.cluster] });
  }
  const Labels = {
    [label.cluster]: owner.clusterId,
    [label.job]: order.job,
    [volumeLabel]: name,
  };
  return { Type: 'volume', Source, Target: '', VolumeOptions: { NoCopy: false, Labels, DriverConfig: { Name: 'local', Options: {} } } };
}

/** The labels of a volume of the engine; undefined where there is no such one. */
async function labelsOf(engine: Engine, name: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const found = await engine.call('look at a volume', (abortSignal) => engine.docker.getVolume(name).inspect({ abortSignal }));
    // Of one without labels the engine says null.
    return found.Labels ?? {};
  } catch (thrown) {
    if (isRefused(thrown, 404)) return undefined;
    throw thrown;
  }
}

/** A directory of the host, where it really is. @throws CubeError `bad-mount` when it is missing, or leads out of what the node allows */
async function directory({ mounts = [] }: MountParts, volume: VolumeSpec): Promise<MountSettings> {
  const path = plainPath(volume.hostPath ?? '/');
  const hint = `cube up --allow-mount ${path}`;
  if (!isWithin(path, mounts)) throw problem('bad-mount', `this node does not allow ${path}`, { hint });
  const Source = await whereIs(path);
  // What is allowed may itself be a link, or in one.
  const allowed = await Promise.all(mounts.map((mount) => realpath(mount).catch(() => mount)));
  if (!isWithin(Source, allowed)) throw problem('bad-mount', `${path} leads to ${Source}, which this node does not allow`, { hint });
  return { Type: 'bind', Source, Target: '' };
}

async function whereIs(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw problem('bad-mount', `there is no ${path} on this node`, { hint: 'make the directory there', cause: thrown });
    }
    throw problem('bad-mount', `${path} cannot be looked at: ${message}`, {
      hint: 'let the user who runs Cube on the node reach it',
      cause: thrown,
    });
  }
}
