/** What an image's name stands for now: in its registry, or on the engine itself. */
import { problem } from '../../core/errors.ts';
import type { ImageDigest } from '../../core/image-digests.ts';
import type { TaskSpec } from '../../core/job.ts';
import { abortable } from '../abort.ts';
import { digestIn } from './digests.ts';
import { isRefused } from './engine.ts';
import type { Engine } from './engine.ts';
import type { CredentialsOf } from './images.ts';
import { repositoryOf } from './names.ts';

/** What asking needs. */
export interface ImageDigestParts {
  readonly engine: Engine;
  readonly credentialsOf: CredentialsOf;
}

/** What an image may be called in an address of the engine's API. */
const plainName = /^[A-Za-z0-9][\w.:/@-]*$/;

/** What the engine has under a name. */
interface LocalImage {
  readonly id: string;
  /** `repository@digest`. */
  readonly names: readonly string[];
}

/** @throws CubeError `image-bad-name`, `no-engine`, `engine-error` */
async function localImage(engine: Engine, image: string): Promise<LocalImage | undefined> {
  refuseOdd(image);
  try {
    const { Id, RepoDigests } = await engine.call('look at an image', () => engine.docker.getImage(image).inspect());
    return { id: Id, names: RepoDigests ?? [] };
  } catch (error) {
    if (isRefused(error, 404)) return undefined;
    throw error;
  }
}

function refuseOdd(image: string): void {
  if (!plainName.test(image) || image.split('/').includes('..')) throw problem('image-bad-name', `"${image}" is no name of an image`);
}

/** Whether the engine has another image under a name than it is to have; one that it lacks is none. */
export async function isOtherImage(engine: Engine, image: string, digest: string): Promise<boolean> {
  const local = await localImage(engine, image);
  if (local === undefined || local.id === digest) return false;
  const repository = repositoryOf(image);
  return !local.names.some((name) => name.endsWith(`@${digest}`) && repositoryOf(name) === repository);
}

/**
 * Asks the image's registry, through the engine and with the user's own login; and where the policy is `never`, or the registry does not
 * tell, the engine for what it has.
 * @returns undefined when neither knows the image and the policy is `never`
 * @throws CubeError `image-unavailable` when neither knows it, `image-bad-name`, `no-engine`; AbortError
 */
export async function imageDigest(
  parts: ImageDigestParts,
  image: string,
  pull: TaskSpec['pull'],
  signal: AbortSignal,
): Promise<ImageDigest | undefined> {
  refuseOdd(image);
  if (pull === 'never') return abortable(onEngine(parts.engine, image), signal);
  try {
    return { digest: await abortable(inRegistry(parts, image), signal), isLocal: false };
  } catch (error) {
    if (signal.aborted) throw error;
    const note = error instanceof Error ? error.message : String(error);
    const local = await abortable(onEngine(parts.engine, image), signal);
    if (local === undefined) throw problem('image-unavailable', `${image}: ${note}`, { cause: error });
    return { ...local, note };
  }
}

async function inRegistry({ engine, credentialsOf }: ImageDigestParts, image: string): Promise<string> {
  const authconfig = await credentialsOf(image);
  // dockerode types the answer as anything (Docker Engine API 1.41, `GET /distribution/{name}/json`).
  const answer: unknown = await engine.call(`ask the registry of ${image}`, () =>
    engine.docker.getImage(image).distribution({ authconfig }),
  );
  const { Descriptor: descriptor } = answer as { readonly Descriptor?: { readonly digest?: unknown } };
  if (typeof descriptor?.digest !== 'string') throw problem('engine-error', `the registry of ${image} told no digest`);
  return descriptor.digest;
}

async function onEngine(engine: Engine, image: string): Promise<ImageDigest | undefined> {
  const local = await localImage(engine, image);
  return local && { digest: digestIn(local.names, image) ?? local.id, isLocal: true };
}
