/** Makes containers, or finds those that were made already. */
import { problem } from '../../core/errors.ts';
import { containerName, label } from '../../core/ids.ts';
import type { Limits } from '../../core/limits.ts';
import type { Clock, Log } from '../../ports/ambient.ts';
import type { ContainerRef, Owner, PrepareOptions, Work } from '../../ports/runtime.ts';
import { sleep, throwIfAborted } from '../abort.ts';
import type { Gate } from '../gate.ts';
import { containerBody } from './body.ts';
import { inspected } from './containers.ts';
import { isRefused, Refused } from './engine.ts';
import type { Engine } from './engine.ts';
import type { EngineFacts } from './facts.ts';
import type { DockerFiles } from './files.ts';
import { isOtherImage } from './image-digest.ts';
import type { Images } from './images.ts';
import { createProblem } from './start-problems.ts';
import type { Inspected } from './state.ts';
import { withVolumes } from './volumes.ts';

/** What making needs. */
export interface MakingParts {
  readonly engine: Engine;
  readonly images: Images;
  readonly facts: EngineFacts;
  readonly gate: Gate;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly files: Pick<DockerFiles, 'mounted'>;
  /** Directories of the host that tasks may mount. */
  readonly mounts?: readonly string[];
}

/** A container, and whether this call made it. */
export interface Made {
  readonly ref: ContainerRef;
  readonly isNew: boolean;
}

/** Pulls the image if need be and makes the container. @throws CubeError of the image's codes, `bad-settings`, `bad-mount`, `engine-error`; AbortError */
export async function makeContainer(parts: MakingParts, work: Work, options: PrepareOptions): Promise<Made> {
  const { image, pull } = work.order.spec;
  throwIfAborted(options.signal);
  // The engine takes an empty name, and makes a container of nothing.
  if (image === '') throw problem('image-bad-name', 'the task names no image');
  const { digest } = work.order;
  if (pull === 'always' || (digest !== undefined && pull !== 'never' && (await isOtherImage(parts.engine, image, digest)))) {
    const found = await inspected(parts.engine, containerName(work.order, work.attempt));
    if (found) return adopted(parts, found, work);
    // What was there already and is the same as the registry's is somebody else's image.
    if (await parts.images.pull(image, options)) options.onPulled?.(image);
  }
  const askedAt = parts.clock.monotonic();
  try {
    return await create(parts, work, options);
  } catch (error) {
    // Whether the image is here is not asked before: when it is, that would be a call too many.
    if (!isRefused(error, 404)) throw error;
    if (pull === 'never') throw createProblem(error, image);
  }
  // While it was said to be missing, another task's pull of it may have ended.
  if (!parts.images.pulledSince(image, askedAt)) await parts.images.pull(image, options);
  options.onPulled?.(image);
  try {
    return await create(parts, work, options);
  } catch (error) {
    throw error instanceof Refused ? createProblem(error, image) : error;
  }
}

/** @throws Refused with status 404 when the image is missing */
async function create(parts: MakingParts, work: Work, options: PrepareOptions): Promise<Made> {
  const { engine, facts, gate, owner, clock, limits } = parts;
  const name = containerName(work.order, work.attempt);
  const bare = containerBody(work, owner, await facts.support(), limits);
  const body = await parts.files.mounted(work, await withVolumes(parts, work, bare));
  const giveUpAt = clock.monotonic() + limits.engineCallMs;
  for (;;) {
    try {
      const made = await gate.run(() => {
        throwIfAborted(options.signal);
        // The name goes into the query, the rest into the body: dockerode puts all of it, secrets too, into the URL if it is told in one.
        const settings = { _query: { name }, _body: body };
        // After an end the engine may be about to stop (Engine.fresh); a first attempt need not fear that.
        const client = work.attempt === 1 ? engine.docker : engine.fresh;
        return engine.call('make the container', (abortSignal) => client.createContainer({ ...settings, abortSignal }));
      }, options.signal);
      return { ref: { id: made.id, name }, isNew: true };
    } catch (error) {
      if (!isRefused(error, 409))
        throw error instanceof Refused && error.status !== 404 ? createProblem(error, work.order.spec.image) : error;
      const found = await inspected(engine, name);
      if (found) return adopted(parts, found, work);
      // The name is taken by a container that is being made or removed right now.
      if (clock.monotonic() > giveUpAt) throw error;
      await sleep(clock, limits.engineRetryMs, options.signal);
    }
  }
}

/** A container of the right name: this attempt's own, by its labels, or somebody else's. */
function adopted(parts: MakingParts, found: Inspected, work: Work): Made {
  const name = containerName(work.order, work.attempt);
  const labels = found.Config.Labels ?? {};
  const isOurs =
    labels[label.cluster] === parts.owner.clusterId &&
    labels[label.node] === parts.owner.nodeId &&
    labels[label.id] === work.order.id &&
    labels[label.attempt] === String(work.attempt);
  if (!isOurs) {
    throw problem('engine-error', `a container named ${name} exists, and its labels say that it is not this task's`, {
      hint: `look at it with \`docker inspect ${name}\`; rename or remove it`,
    });
  }
  parts.log.info('a container that was made before is used', { container: name });
  return { ref: { id: found.Id, name }, isNew: false };
}
